/** Whether only this machine can reach it. `host` is an IP address; "" is all interfaces. */
export function isLoopback(host: string): boolean {
  return host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
