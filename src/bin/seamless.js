#!/usr/bin/env -S node --initial-old-space-size=128
import { existsSync } from "node:fs";

// The size above keeps V8 from collecting the whole heap for every 32 MiB of passed-on data: a proxy's garbage is
// nearly all buffers, and the small collections free those. Without it a byte costs up to a third more CPU.

// By default these end the process. Those that come before it can do what they ask for are noted here, for later.
const early = [];
const note = (signal) => void early.push(signal);
const signals = ["SIGHUP", "SIGUSR2"];
for (const signal of signals) process.on(signal, note);
const takeSignals = () => {
  for (const signal of signals) process.off(signal, note);
  return early;
};

// A clone installed with --ignore-scripts has no dist yet; a published package always has.
if (!existsSync(new URL("../dist/main.js", import.meta.url))) await import("../../scripts/build-once.js");

// Loading the rest opens some forty files at once.
const { descriptorShortage, readDescriptorLimit } = await import("../dist/descriptor-limit.js");
const shortage = descriptorShortage(readDescriptorLimit());
if (shortage) {
  process.stderr.write(`seamless: ${shortage}\n`);
  process.exit(1);
}

const { main } = await import("../dist/main.js");
await main(takeSignals);

// What V8 expects to live long it puts among the old, where it is found dead late, and keeps alive what it points to. Having seen
// the start of a program, it expects that of the parts of a socket, too, and so finds itself proved right: up to a tenth of the CPU
// of a connection. Not before all is loaded: with other flags than it was built with, Node compiles its own modules anew.
const { setFlagsFromString } = await import("node:v8");
setFlagsFromString("--no-allocation-site-pretenuring");
