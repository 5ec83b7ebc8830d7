/** A span as people say it: `3s`, `2m 5s`, `1h 4m`, `3d 2h`. */
export function formatSpan(durationMs: number): string {
  const seconds = Math.max(Math.round(durationMs / 1_000), 0);
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}

/** A moment, to the second. */
export function formatMoment(unixMs: bigint): string {
  return new Date(Number(unixMs)).toISOString().replace(/\.\d+Z$/, "Z");
}

/** How long ago a moment of the proxy was; "-" for none. The clocks may differ a little. */
export function formatAge(unixMs: bigint | undefined, nowMs: number): string {
  return unixMs ? formatSpan(nowMs - Number(unixMs)) : "-";
}
