#!/usr/bin/env bash
# Runs the commands of a page of the documentation, line by line and in order, as a reader would: servers in the background,
# everything else to its end. In namespaces of its own, so that the ports and folders that the page names are free, and
# with nothing changed but long times made short. A `curl` whose comment is one word must answer that word.
set -euo pipefail
page=$1 root=$2 home=$3

ip link set lo up
mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc
mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib
mkdir -p -m 0700 /run/seamless /var/lib/seamless /etc/seamless
echo "127.0.0.1 localhost web1 web2 proxy.example" > /etc/hosts
echo "127.0.0.2 db1" >> /etc/hosts
# One member of etcd stands for all.
echo "127.0.0.1 etcd1 etcd2 etcd3" >> /etc/hosts

mkdir "$home/bin"
for program in src/bin/seamless.js cli/bin/seamlessctl.js node_modules/.bin/buf; do
  name=$(basename "$program" .js)
  printf '#!/bin/sh\nexec "%s" "$@"\n' "$root/$program" > "$home/bin/$name"
done
printf '#!/bin/sh\nexec "$@"\n' > "$home/bin/npx"
printf '#!/bin/sh\nexit 0\n' > "$home/bin/systemctl"
chmod +x "$home/bin/"*
export PATH="$home/bin:$PATH" HOME="$home"
cd "$home"
# What the page shows of files is there.
awk '/^```yaml/{inside=1; next} /^```/{inside=0} inside' "$page" > seamless.yaml

answering() { for _ in $(seq 200); do "$@" >/dev/null 2>&1 && return; sleep 0.05; done; return 1; }
listening() { answering bash -c "ss -ltn | grep -q ':$1 '"; }

# The servers that the page speaks of without starting them.
for at in 81 9000 "5432, '127.0.0.2'"; do
  node -e "http.createServer((_, r) => r.end('x')).listen($at)" &
  listening "${at%,*}"
done
# And the certificates.
request() { openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1-key.pem" -subj "/CN=$2" "${@:3}" 2>/dev/null; }
if grep -q tls-cert "$page"; then
  request ca ca -x509 -days 1 -out ca.pem
  for name in server me; do
    request "$name" "$name" | openssl x509 -req -CA ca.pem -CAkey ca-key.pem -days 1 -out "$name.pem" \
      -extfile <(echo "subjectAltName=DNS:proxy.example") 2>/dev/null
  done
fi
if grep -q '^npx seamlessctl\|^seamlessctl' "$page" && ! grep -q 'listen(4444)' "$page"; then
  for port in 4444 4445; do node -e "http.createServer((_, r) => r.end('x')).listen($port)" & listening "$port"; done
  grep -q '^seamless ' "$page" || { seamless 8080 localhost:4444 2>/dev/null & listening 6778; }
fi

commands=$(awk '/^```sh/{inside=1; next} /^```/{inside=0} inside' "$page" | grep -v '^npm ci' | sed 's/--step 60s --bake 2m/--step 1s --bake 1s/')
while IFS= read -r command; do
  echo "\$ $command"
  case $command in
    "" | "#"*) ;;
    "export "*) eval "${command%%#*}" ;;
    "etcd "*)
      bash -c "exec $command" >/dev/null 2>"$home/etcd.log" &
      answering grep -q "ready to serve client requests" "$home/etcd.log" || { cat "$home/etcd.log"; exit 1; } ;;
    "node -e"* | "npx seamless "* | "seamless --"* | "seamless 8"*)
      [[ $command == node* || -z ${proxy:-} ]] || { kill "$proxy" && wait "$proxy" || true; }
      bash -c "exec $command" 2>"$home/server.log" &
      started=$!
      if [[ $command == node* ]]; then
        export NEW_SERVER_PID=$started
        listening "$(sed 's/.*listen(\([0-9]*\)).*/\1/' <<<"$command")"
        continue
      fi
      proxy=$started
      answering grep -qE '[ "]ready' "$home/server.log" || { cat "$home/server.log"; exit 1; } ;;
    *)
      answer=$(timeout 60 bash -c "$command" </dev/null) || { echo "$answer"; echo "failed: $command"; exit 1; }
      wanted=$(sed -n 's/^curl.*# \([a-z]*\)$/\1/p' <<<"$command")
      [[ -z $wanted || $answer == "$wanted" ]] || { echo "answered $answer: $command"; exit 1; } ;;
  esac
done <<<"$commands"
echo "all of $page"
