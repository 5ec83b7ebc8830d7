#!/usr/bin/env bash
# Builds the engine with sanitizers and warnings as errors, and runs what could make it misbehave:
#   1. the stress test under ThreadSanitizer (data races), outside of node, which it can't see into
#   2. the same under AddressSanitizer and UndefinedBehaviorSanitizer, with leaks
#   3. the suites that every engine must pass, in node, with an addon built with these two
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/sanitized
mkdir -p "$out"

warnings=(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Woverloaded-virtual -Wnull-dereference -Werror)
flags=(-std=c++17 -O1 -g -pthread "${warnings[@]}")
memory=(-fsanitize=address,undefined -fno-sanitize-recover=all)
engine=(src/connection.cc src/dialling.cc src/engine.cc src/gate.cc src/loop.cc src/pipe.cc src/proxy_header.cc src/relay.cc src/socket.cc src/table.cc)
stress=(test/peers.cc test/stress.cc)
node_headers="$(dirname "$(dirname "$(realpath "$(command -v node)")")")/include/node"
addon_headers="$(node -p "require('node-addon-api').include_dir")"
compiler="${CXX:-g++}"

"$compiler" "${flags[@]}" -fsanitize=thread "${engine[@]}" "${stress[@]}" -o "$out/stress-thread" &
"$compiler" "${flags[@]}" "${memory[@]}" "${engine[@]}" "${stress[@]}" -o "$out/stress-memory" &
"$compiler" "${flags[@]}" "${memory[@]}" -fPIC -shared -DNAPI_VERSION=8 -DNODE_ADDON_API_CPP_EXCEPTIONS -DNODE_ADDON_API_CPP_EXCEPTIONS_ALL \
  -isystem "$node_headers" -isystem "$addon_headers" "${engine[@]}" src/binding.cc -o "$out/seamless_native.node" &
for build in $(jobs -p); do wait "$build"; done

# ThreadSanitizer needs its shadow memory where randomized addresses may be.
echo "stress test, ThreadSanitizer"
setarch -R timeout 300 "$out/stress-thread" 1000
echo "stress test, AddressSanitizer and UndefinedBehaviorSanitizer"
timeout 300 "$out/stress-memory" 3000

echo "the suites of an engine, AddressSanitizer and UndefinedBehaviorSanitizer"
# What node itself does not free is not ours.
LD_PRELOAD="$("$compiler" -print-file-name=libasan.so):$("$compiler" -print-file-name=libubsan.so)" \
  ASAN_OPTIONS=detect_leaks=0 SEAMLESS_ADDON="$PWD/$out/seamless_native.node" \
  timeout 600 node --test --test-timeout=300000 ../src/dist/engine/native/native-engine.test.js
