import { execFile } from "node:child_process";

/** Tells a supervisor how the process is, as sd_notify(3) does; without one, nothing happens. */
export interface Notifier {
  ready(): void;
  reloading(): void;
  stopping(): void;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The event loop may be busy for a moment when it is due, so that it is told twice in its time. */
const TIMES_PER_PERIOD = 2;

/**
 * By the program `systemd-notify`, which every system with systemd has: Node knows no datagram sockets of the Unix kind. The unit
 * needs `NotifyAccess=all`. The watchdog is fed as long as the event loop turns.
 */
export function createNotifier(environment: Environment, pid: number): Notifier {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: period, WATCHDOG_PID: watched } = environment;
  const send = (...states: readonly string[]): void => {
    if (socket === undefined || socket === "") return;
    execFile("systemd-notify", [`--pid=${pid}`, ...states], () => undefined);
  };
  const periodMs = watched === undefined || watched === String(pid) ? Number(period ?? 0) / 1_000 : 0;
  if (periodMs > 0) setInterval(() => send("WATCHDOG=1"), periodMs / TIMES_PER_PERIOD).unref();
  return {
    ready: () => send("READY=1"),
    reloading: () => send("RELOADING=1"),
    stopping: () => send("STOPPING=1"),
  };
}
