import { setTimeout as delay } from "node:timers/promises";
import { cpuSeconds } from "../support/process-stats.js";
import { percentile } from "../support/percentile.js";

const IDLE_MS = 5_000;
const SETTLE_MS = 2_000;

/**
 * Makes one change after the other, through the first proxy, and sees when the last of all proxies has applied it, counted
 * from the request and from the answer; and what CPU it takes of etcd and of all proxies, beyond what they take when idle.
 */
export async function measureSpread(members, etcd, { changes, pauseMs }) {
  const [{ client }] = members;
  const [sinceRequestMs, sinceAnswerMs, answerMs] = [[], [], []];
  const used = () => ({
    etcd: cpuSeconds(etcd.pid),
    proxies: sum(members.map(({ pid }) => cpuSeconds(pid))),
  });
  const spend = async (work) => {
    const [before, startedMs] = [used(), performance.now()];
    await work();
    const [after, seconds] = [used(), (performance.now() - startedMs) / 1_000];
    return { seconds, etcd: after.etcd - before.etcd, proxies: after.proxies - before.proxies };
  };

  await delay(SETTLE_MS);
  const idle = await spend(() => delay(IDLE_MS));
  const busy = await spend(async () => {
    for (let i = 0; i < changes; i++) {
      const requestedAt = Date.now();
      const { state } = await client.set([`127.0.0.1:${2 + (i % 2)}`]);
      const answeredAt = Date.now();
      const times = await Promise.all(members.map((member) => member.applied(Number(state.revision))));
      const last = Math.max(...times);
      sinceRequestMs.push(last - requestedAt);
      sinceAnswerMs.push(last - answeredAt);
      answerMs.push(answeredAt - requestedAt);
      await delay(pauseMs);
    }
  });
  const perChange = (who) => (1_000 * (busy[who] - (idle[who] * busy.seconds) / idle.seconds)) / changes;
  return {
    sinceRequestMs: times(sinceRequestMs),
    sinceAnswerMs: times(sinceAnswerMs),
    answerMs: times(answerMs),
    cpuMsPerChange: { etcd: perChange("etcd"), proxies: perChange("proxies") },
    idleCpuMsPerSecond: {
      etcd: (1_000 * idle.etcd) / idle.seconds,
      proxies: (1_000 * idle.proxies) / idle.seconds,
    },
  };
}

export function times(values) {
  const [p50, p99] = [percentile(values, 50), percentile(values, 99)];
  return { p50, p99, most: Math.max(...values), values };
}

const sum = (values) => values.reduce((total, each) => total + each, 0);
