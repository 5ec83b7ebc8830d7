import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that the kernel gives to outgoing connections, so that nobody gets one before whom it is for. */
const [FIRST, COUNT] = [10_000, 20_000];

/** Ports of this machine that nobody listens at, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (!ports.has(port) && (await isFree(port))) ports.add(port);
  }
  return [...ports];
}

/** Whether a server could be started there. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const isListening = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  if (isListening) await once(server.close(), "close");
  return isListening;
}
