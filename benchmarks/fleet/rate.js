import { times } from "./spread.js";

/** Changes one after the other, as fast as they are answered, through one proxy, or through several at once. */
export async function measureRate(members, clients, seconds) {
  const end = performance.now() + seconds * 1_000;
  const latencies = [];
  const startedMs = performance.now();
  await Promise.all(clients.map((client, caller) => changeUntil(end, client, caller, latencies)));
  const tookS = (performance.now() - startedMs) / 1_000;
  // The next measurement begins when all proxies are done with this one.
  const { state } = await clients[0].get({ linearizable: true });
  await Promise.all(members.map((member) => member.applied(Number(state.revision))));
  const { values, ...latencyMs } = times(latencies);
  return { callers: clients.length, perSecond: values.length / tookS, latencyMs };
}

/** Each caller has backends of its own, so that each of its requests is a change. */
async function changeUntil(end, client, caller, latencies) {
  for (let i = 0; performance.now() < end; i++) {
    const startedMs = performance.now();
    await client.set([`127.0.0.1:${10 + 2 * caller + (i % 2)}`]);
    latencies.push(performance.now() - startedMs);
  }
}
