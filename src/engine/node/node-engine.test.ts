import { relaySuite } from "../testing/relay-suite.js";
import { routingSuite } from "../testing/routing-suite.js";
import { createNodeEngine } from "./node-engine.js";

routingSuite((maxConnections = 10_000) => createNodeEngine({ maxConnections }));
relaySuite((maxConnections = 10_000) => createNodeEngine({ maxConnections }));
