// Prints each state of the backends as it comes, and goes on through restarts of the proxy. End it with Ctrl-C.
//
//   node examples/watch.mjs
//
// The proxy is at SEAMLESS_ADDRESS (default 127.0.0.1:6778).
import { BackendState, connect } from "@seamless/sdk";

const words = Object.fromEntries(Object.entries(BackendState).map(([word, number]) => [number, word]));
const seamless = connect({ address: process.env.SEAMLESS_ADDRESS ?? "127.0.0.1:6778" });

const onReconnect = (error) => console.error(`reconnecting: ${error.message}`);
for await (const { revision, backends } of seamless.watch({ onReconnect })) {
  const shown = backends.map(
    ({ address, state, counters }) => `${address} ${words[state]} ${counters.activeConnections}`,
  );
  console.log(`revision ${revision}: ${shown.join(", ")}`);
}
