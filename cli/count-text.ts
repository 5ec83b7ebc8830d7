/** `3 proxies`. */
export function countProxies(count: number): string {
  return count === 1 ? "1 proxy" : `${count} proxies`;
}

/** `3 connections`. */
export function countConnections(count: number): string {
  return count === 1 ? "1 connection" : `${count} connections`;
}
