#!/usr/bin/env -S node --initial-old-space-size=128
import { existsSync } from "node:fs";

// The size above keeps V8 from collecting the whole heap for every 32 MiB of passed-on data: a proxy's garbage is
// nearly all buffers, and the small collections free those. Without it a byte costs up to a third more CPU.

// A clone installed with --ignore-scripts has no dist yet; a published package always has.
if (!existsSync(new URL("../dist/main.js", import.meta.url))) await import("../../scripts/build-once.js");
await import("../dist/main.js");

// What V8 expects to live long it puts among the old, where it is found dead late, and keeps alive what it points to. Having seen
// the start of a program, it expects that of the parts of a socket, too, and so finds itself proved right: up to a tenth of the CPU
// of a connection. Not before all is loaded: with other flags than it was built with, Node compiles its own modules anew.
const { setFlagsFromString } = await import("node:v8");
setFlagsFromString("--no-allocation-site-pretenuring");
