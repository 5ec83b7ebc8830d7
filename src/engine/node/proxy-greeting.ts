import { BlockList, isIPv6, type Socket } from "node:net";
import type { Route } from "../../proxy-header.js";
import { parseProxyHeader } from "../../proxy-header-parser.js";

/** For a proxy to say whom it speaks for. */
const LIMIT_MS = 5_000;

/** Whether an address is in one of the networks, which must be right. */
export function networksOf(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", length] = network.split("/");
    list.addSubnet(address, Number(length), isIPv6(address) ? "ipv6" : "ipv4");
  }
  return (address) => address !== "" && list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

/**
 * Reads the header of a client that is a proxy, and not a byte more: what has come behind it waits in the socket. Rejects if
 * there is none in time. The route is undefined of the proxy's own connections.
 */
export function readGreeting(socket: Socket): Promise<Route | undefined> {
  return new Promise((resolve, reject) => {
    let data = Buffer.alloc(0);
    const stop = (): void => {
      clearTimeout(timer);
      socket.off("readable", read).off("end", fail).off("close", fail);
    };
    const fail = (): void => {
      stop();
      reject(new Error("no PROXY header"));
    };
    const timer = setTimeout(fail, LIMIT_MS).unref();
    const read = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      data = Buffer.concat([data, chunk]);
      const parsed = parseProxyHeader(data);
      if (parsed.status !== "complete") {
        if (parsed.status === "wrong") fail();
        return;
      }
      stop();
      const rest = data.subarray(parsed.size);
      if (rest.length > 0) socket.unshift(rest);
      resolve(parsed.route);
    };
    socket.on("readable", read).on("end", fail).on("close", fail);
  });
}
