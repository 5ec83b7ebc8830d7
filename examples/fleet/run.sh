#!/usr/bin/env bash
# Three proxies that share their list in three members of etcd, on this machine: how they are started, how a new version
# is deployed on all of them, and what happens when members of etcd die. See docs/fleet.md.
#
#     bash examples/fleet/run.sh          shows all that, and ends
#     bash examples/fleet/run.sh --stay   ends with the deploy, and leaves everything running until Ctrl-C
#
# All is on loopback and in a temporary folder, and gone when the script ends, however it ends. On other ports:
#     PROXY_PORTS="9001 9002 9003" bash examples/fleet/run.sh
set -euo pipefail

read -ra etcd_ports <<<"${ETCD_PORTS:-23791 23792 23793}"
read -ra peer_ports <<<"${PEER_PORTS:-23801 23802 23803}"
read -ra proxy_ports <<<"${PROXY_PORTS:-8081 8082 8083}"
read -r old_port new_port <<<"${BACKEND_PORTS:-4444 4445}"
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
declare -A pids=()

# The proxies in order, while there is a store that they can take leave of; of the rest nothing is to be kept.
clean_up() {
  trap '' INT TERM
  {
    for name in proxy0 proxy1 proxy2; do [ -z "${pids[$name]-}" ] || kill "${pids[$name]}" || true; done
    for name in proxy0 proxy1 proxy2; do [ -z "${pids[$name]-}" ] || wait "${pids[$name]}" || true; done
    jobs -p | xargs --no-run-if-empty kill -9 || true
    wait || true
  } 2>/dev/null
  rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# launch NAME COMMAND...: in the background, with its output in a file.
launch() {
  : >"$folder/$1.log"
  "${@:2}" >"$folder/$1.log" 2>&1 </dev/null &
  pids[$1]=$!
}

# await NAME TEXT: until its output says so.
await() {
  grep -q -m1 "$2" < <(timeout 60 tail --pid="${pids[$1]}" -n +1 -f "$folder/$1.log") && return
  cat "$folder/$1.log" >&2
  echo "$1 is not ready" >&2
  exit 1
}

murder() {
  kill -9 "${pids[$1]}"
  wait "${pids[$1]}" 2>/dev/null || true
}

launch_etcd() {
  local client="http://127.0.0.1:${etcd_ports[$1]}" peer="http://127.0.0.1:${peer_ports[$1]}"
  launch "etcd$1" etcd --name "etcd$1" --data-dir "$folder/etcd$1" --initial-cluster "$members" \
    --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" \
    --auto-compaction-mode periodic --auto-compaction-retention 1h
}

launch_backend() {
  local program="http.createServer((_, r) => r.end('$1')).listen($2, '127.0.0.1', () => console.log('ready'))"
  launch "$1" node -e "$program"
}

launch_proxy() {
  launch "proxy$1" node "$root/src/bin/seamless.js" "127.0.0.1:${proxy_ports[$1]}" "127.0.0.1:$old_port" \
    --store "$store" --state "$folder/proxy$1.json" --proxy-name "proxy$1" \
    --grpc "unix:$folder/proxy$1.sock" --http-port 0 --shutdown-timeout 1s
}

# show PROXY ARGUMENT...: seamlessctl, at one of the proxies.
show() {
  printf '$ seamlessctl %s\n' "${*:2}"
  node "$root/cli/bin/seamlessctl.js" --address "unix:$folder/$1.sock" "${@:2}"
}

# What clients get, through each proxy.
ask() {
  local port answers=""
  for port in "${proxy_ports[@]}"; do answers+=" $(curl -sS --max-time 5 "http://127.0.0.1:$port")"; done
  echo "clients are answered:$answers"
}

say() { printf '\n== %s\n' "$*"; }

members="" hosts=""
for i in 0 1 2; do
  members+="${members:+,}etcd$i=http://127.0.0.1:${peer_ports[i]}"
  hosts+="${hosts:+,}127.0.0.1:${etcd_ports[i]}"
done
store="etcd://$hosts/example"

say "Three members of etcd, two versions of a server, three proxies that begin with the old one"
for i in 0 1 2; do launch_etcd "$i"; done
launch_backend old "$old_port"
launch_backend new "$new_port"
for i in 0 1 2; do await "etcd$i" "ready to serve client requests"; done
for version in old new; do await "$version" ready; done
for i in 0 1 2; do launch_proxy "$i"; done
for i in 0 1 2; do await "proxy$i" " ready" && await "proxy$i" "known to the fleet"; done
show proxy0 fleet status
ask

say "The new version, on one proxy first; asked of any of them"
show proxy1 deploy "127.0.0.1:$new_port" --fleet --first 1 --step 1s --drain 10s
show proxy2 fleet status
ask

if [ "${1:-}" = "--stay" ]; then
  say "Ctrl-C ends it. To look around:"
  echo "export SEAMLESS_ADDRESS=unix:$folder/proxy0.sock    # or proxy1, proxy2"
  wait "${pids[proxy0]}"
fi

say "One member of etcd is killed: two of three are enough"
murder etcd0
show proxy0 weight "127.0.0.1:$new_port=2"
show proxy0 fleet status

say "And another one: nothing can be changed any more, and clients notice nothing"
murder etcd1
show proxy0 add "127.0.0.1:$old_port" || echo "exit code $?"
ask
show proxy0 status

say "It is back: so are changes"
launch_etcd 1
await etcd1 "ready to serve client requests"
show proxy0 add "127.0.0.1:$old_port"
show proxy2 get --linearizable
