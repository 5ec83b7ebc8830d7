#!/usr/bin/env node
import { existsSync } from "node:fs";

// A clone installed with --ignore-scripts has no dist yet; a published package always has.
if (!existsSync(new URL("../dist/main.js", import.meta.url))) await import("../../scripts/build-once.js");
await import("../dist/main.js");
