import { readFileSync } from "node:fs";
import { connect } from "@seamless/sdk";
import { runProgram } from "./program.js";

interface Manifest {
  readonly version: string;
}

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as Manifest;

// Whoever read the output (`seamlessctl watch | head -1`) has enough: that is an end, not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupt.abort(signal));

process.exitCode = await runProgram(process.argv.slice(2), {
  connect,
  stdout: process.stdout,
  stderr: process.stderr,
  version,
  signal: interrupt.signal,
});
