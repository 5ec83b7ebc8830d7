import type { Option } from "commander";
import { LOG_FORMATS, LOG_LEVELS } from "../logger.js";
import { countFlag, flag } from "./flag.js";

export interface LogFlags {
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly logFormat: (typeof LOG_FORMATS)[number];
  readonly logRate: number;
}

/** What is logged, to stderr. */
export function logFlags(): readonly Option[] {
  return [
    flag("--log-level <level>", "least level logged, to stderr").choices(LOG_LEVELS).default("info"),
    flag("--log-format <format>", "for people or for programs").choices(LOG_FORMATS).default("text"),
    countFlag("--log-rate <lines>", "a second, of one kind about connections of one service; 0: all", 10),
  ];
}
