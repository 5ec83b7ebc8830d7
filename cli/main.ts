import { readFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { connect } from "@seamless/sdk";
import { systemClock } from "./clock.js";
import { dropFalseFlags } from "./global-options.js";
import { runProgram } from "./program.js";

interface Manifest {
  readonly version: string;
}

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as Manifest;

// Whoever read the output (`seamlessctl watch | head -1`) has enough: that is an end, not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupt.abort(signal));

function actor(): string | undefined {
  try {
    return `${userInfo().username}@${hostname()}`.replace(/\p{C}/gu, "").slice(0, 128);
  } catch {
    return undefined; // A user id without a name, as in a container.
  }
}

dropFalseFlags(process.env);
// Of libraries (Node has one for TLS to an IP address): nothing that who runs a command could do anything about.
process.noDeprecation = true;

process.exitCode = await runProgram(process.argv.slice(2), {
  connect,
  stdout: process.stdout,
  stderr: process.stderr,
  isTerminal: process.stderr.isTTY,
  clock: systemClock,
  actor: actor(),
  version,
  signal: interrupt.signal,
});
