import type { Engine } from "../engine.js";
import { endingSuite } from "../testing/ending-suite.js";
import { entranceSuite } from "../testing/entrance-suite.js";
import { holdingSuite } from "../testing/holding-suite.js";
import { relaySuite } from "../testing/relay-suite.js";
import { QUIET } from "../testing/rig.js";
import { routingSuite } from "../testing/routing-suite.js";
import { tellingSuite } from "../testing/telling-suite.js";
import { createNodeEngine } from "./node-engine.js";

const create = (maxConnections = 10_000, tellEnds = false): Engine =>
  createNodeEngine({ ...QUIET, maxConnections, tellEnds });
for (const suite of [routingSuite, relaySuite, holdingSuite, endingSuite, entranceSuite, tellingSuite])
  suite(create);
