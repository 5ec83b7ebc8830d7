#!/usr/bin/env -S node --initial-old-space-size=128
import { existsSync } from "node:fs";

// The size above keeps V8 from collecting the whole heap for every 32 MiB of passed-on data: a proxy's garbage is
// nearly all buffers, and the small collections free those. Without it a byte costs up to a third more CPU.

// A clone installed with --ignore-scripts has no dist yet; a published package always has.
if (!existsSync(new URL("../dist/main.js", import.meta.url))) await import("../../scripts/build-once.js");
await import("../dist/main.js");
