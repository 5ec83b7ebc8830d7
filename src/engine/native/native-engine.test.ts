import { env } from "node:process";
import type { Engine } from "../engine.js";
import { endingSuite } from "../testing/ending-suite.js";
import { entranceSuite } from "../testing/entrance-suite.js";
import { holdingSuite } from "../testing/holding-suite.js";
import { relaySuite } from "../testing/relay-suite.js";
import { routingSuite } from "../testing/routing-suite.js";
import { loadAddon } from "./addon.js";
import { createNativeEngine } from "./native-engine.js";

/** Another build of the addon, such as one with sanitizers. */
const addon = loadAddon(env["SEAMLESS_ADDON"]);

for (const threads of [1, 3]) {
  const create = (maxConnections = 10_000): Engine => createNativeEngine({ addon, threads, maxConnections });
  for (const suite of [routingSuite, relaySuite, holdingSuite, endingSuite, entranceSuite]) suite(create);
}
