import { type Backend, type ConnectionEnds, DrainOutcome, type DrainStatus } from "@seamless/sdk";
import { enumWord } from "./enum-word.js";
import { formatBytes } from "./byte-text.js";
import { countConnections } from "./count-text.js";
import type { Step } from "./progress.js";
import { formatTable } from "./table.js";
import { formatAge, formatSpan } from "./time-text.js";

/** What a proxy leaves out is zero. */
export const NO_ENDS: ConnectionEnds = {
  byClient: 0n,
  byBackend: 0n,
  cutByDrain: 0n,
  closedIdle: 0n,
  cutByShutdown: 0n,
};

const HEAD = ["ADDRESS", "OPEN", "SINCE", "OLDEST", "LAST BYTE", "BYTES", "CUT IN", "IDLE LIMIT"];

/** The drains under way as a table. */
export function formatDrains(backends: readonly Backend[], nowMs: number): string {
  const rows = backends.flatMap(({ address, drain }) => {
    if (!drain) return [];
    const { deadlineUnixMs, options } = drain;
    const row = [
      address,
      `${drain.openConnections} of ${drain.connectionsAtStart}`,
      formatAge(drain.startedUnixMs, nowMs),
      formatAge(drain.oldestUnixMs, nowMs),
      formatAge(drain.lastByteUnixMs, nowMs),
      formatBytes(drain.bytes),
      deadlineUnixMs === 0n ? "-" : formatSpan(Number(deadlineUnixMs) - nowMs),
      options?.idleLimitMs === undefined ? "-" : formatSpan(options.idleLimitMs),
    ];
    return [row];
  });
  return rows.length === 0 ? "no drains\n" : formatTable([HEAD, ...rows]);
}

/** What is still waited for. */
export function drainStep(drains: readonly DrainStatus[], json: object): Step {
  const open = drains.filter(({ outcome }) => outcome === DrainOutcome.OPEN);
  const addresses = open.map(({ address }) => address).join(", ");
  const left = open.reduce((sum, { progress }) => sum + (progress?.openConnections ?? 0), 0);
  const [started, deadline] = [earliest(open, "startedUnixMs"), earliest(open, "deadlineUnixMs")];
  return {
    gist: `draining ${addresses}`,
    json,
    text(nowMs) {
      if (open.length === 0) return "drained";
      const cut = deadline === 0 ? "" : `, cut in ${formatSpan(deadline - nowMs)}`;
      return `draining: ${countConnections(left)} left on ${addresses}, for ${formatSpan(nowMs - started)}${cut}`;
    },
  };
}

/** One line per drain that has ended. */
export function formatDrainEnds(drains: readonly DrainStatus[]): string {
  if (drains.length === 0) return "nothing drains\n";
  return drains
    .map(({ address, outcome, progress, endedUnixMs }) => {
      const took = formatSpan(Number(endedUnixMs) - Number(progress?.startedUnixMs ?? 0n));
      const word = outcome === DrainOutcome.TAKEN_BACK ? "back in the list" : enumWord(DrainOutcome, outcome);
      return `${address}: ${word} after ${took} (${formatEnds(progress?.ends ?? NO_ENDS)})\n`;
    })
    .join("");
}

function formatEnds({ byClient, byBackend, cutByDrain, cutByShutdown, closedIdle }: ConnectionEnds): string {
  return `${byClient + byBackend} ended, ${cutByDrain + cutByShutdown} cut, ${closedIdle} closed idle`;
}

export function jsonDrain(drain: DrainStatus): object {
  return { ...drain, outcome: enumWord(DrainOutcome, drain.outcome) };
}

/** In milliseconds since 1970; 0: none of them has one. */
export function earliest(drains: readonly DrainStatus[], key: "startedUnixMs" | "deadlineUnixMs"): number {
  const times = drains.map(({ progress }) => Number(progress?.[key] ?? 0n)).filter((time) => time > 0);
  return times.length === 0 ? 0 : Math.min(...times);
}
