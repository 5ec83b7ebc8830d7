import { once } from "node:events";
import { writeSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

/** Sees to it that an input that never ends is known. */
export interface Watchdog {
  readonly beforeRun: (input: Buffer) => void;
  close(): Promise<void>;
}

const MAX_BYTES = 1 << 16;
/** So that a process that was merely stopped for a while is not taken for one that hangs. */
const PATIENCE_MS = 20_000;

/** A thread that ends the process, and says on which input, when there has been no new one for that long. */
export function startWatchdog(patienceMs = PATIENCE_MS): Watchdog {
  const shared = new SharedArrayBuffer(8 + MAX_BYTES);
  const [runs, bytes] = [new Int32Array(shared, 0, 2), Buffer.from(shared, 8)];
  // Not with the options of the main thread, some of which are no thread's.
  const worker = new Worker(new URL(import.meta.url), {
    execArgv: [],
    workerData: { shared, patienceMs } satisfies Watched,
  });
  return {
    beforeRun(input) {
      runs[1] = input.copy(bytes);
      Atomics.add(runs, 0, 1);
    },
    async close() {
      worker.postMessage("end");
      await once(worker, "exit");
    },
  };
}

interface Watched {
  readonly shared: SharedArrayBuffer;
  readonly patienceMs: number;
}

function watch({ shared, patienceMs }: Watched): void {
  const [runs, bytes] = [new Int32Array(shared, 0, 2), Buffer.from(shared, 8)];
  let seen = Atomics.load(runs, 0);
  const look = setInterval(() => {
    const run = Atomics.load(runs, 0);
    if (run === seen) {
      const input = JSON.stringify(bytes.toString("latin1", 0, runs[1]));
      // Not by `process.stderr`, for which a thread needs the main one.
      writeSync(2, `run ${run} does not end: ${input}\n`);
      process.kill(process.pid, "SIGKILL");
    }
    seen = run;
  }, patienceMs);
  parentPort?.once("message", () => clearInterval(look));
}

if (!isMainThread) watch(workerData as Watched);
