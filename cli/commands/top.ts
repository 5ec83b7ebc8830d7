import { setTimeout } from "node:timers/promises";
import { Command, Option } from "commander";
import type { Backend, BackendCounters, ServiceState } from "@seamless/sdk";
import { formatBytes } from "../byte-text.js";
import type { Context } from "../context.js";
import { durationOption } from "../duration.js";
import { parseCount } from "../number-argument.js";
import { EXIT } from "../exit-codes.js";
import type { GlobalOptions } from "../global-options.js";
import { HOME } from "../screen.js";
import { stateWord } from "../state-text.js";
import { formatTable } from "../table.js";
import { withClient } from "../with-client.js";

const HEAD = ["SERVICE", "BACKEND", "STATE", "OPEN", "NEW/S", "FAILED/S", "IN/S", "OUT/S"];
const NUMERIC = new Set([3, 4, 5, 6, 7]);

const NO_COUNTERS: BackendCounters = {
  activeConnections: 0,
  totalConnections: 0n,
  failedConnects: 0n,
  bytesIn: 0n,
  bytesOut: 0n,
  ends: undefined,
};

interface TopFlags {
  readonly interval: number;
  readonly count?: number;
}

/** A moment, to compute rates from two of them. */
interface Sample {
  readonly atMs: number;
  readonly services: readonly ServiceState[];
}

export function createTopCommand(context: Context): Command {
  return new Command("top")
    .description("a live view of all services and backends; ends with Ctrl-C")
    .addOption(durationOption("--interval <time>", "between two looks").default(1_000, "1s"))
    .addOption(new Option("--count <times>", "end after so many").argParser(parseCount))
    .action(({ interval, count = Infinity }: TopFlags, command: Command) => {
      if (command.optsWithGlobals<GlobalOptions>().output === "json")
        command.error("error: top is for people: programs have watch -o json, and /metrics", {
          exitCode: EXIT.usage,
        });
      return withClient(context, command, async ({ client }) => {
        const look = async (): Promise<Sample> => {
          const services = await client.listServices({ signal: context.signal });
          return { atMs: context.clock.nowMs(), services };
        };
        let before = await look();
        for (let shown = 0; shown < count; shown += 1) {
          await setTimeout(interval, undefined, { signal: context.signal }).catch(() => undefined);
          if (context.signal.aborted) return;
          const now = await look();
          context.stdout.write(`${context.isTerminal ? HOME : ""}${formatTop(before, now)}`);
          before = now;
        }
      });
    });
}

export function formatTop(before: Sample, now: Sample): string {
  const seconds = Math.max(now.atMs - before.atMs, 1) / 1_000;
  const rows = now.services.flatMap((state) => serviceRows(state, before.services, seconds));
  return formatTable([HEAD, ...rows], NUMERIC);
}

function serviceRows(
  state: ServiceState,
  past: readonly ServiceState[],
  seconds: number,
): readonly (readonly string[])[] {
  const then = past.find(({ service }) => service === state.service);
  const perSecond = (now: bigint, before = 0n): number => Math.max(Number(now - before), 0) / seconds;
  const total = perSecond(state.acceptedConnections, then?.acceptedConnections ?? state.acceptedConnections);
  const held = state.heldConnections > 0 ? `${state.heldConnections} held` : "";
  const head = [
    state.service,
    state.listenAddresses.join(" "),
    held,
    String(state.openConnections),
    total.toFixed(1),
  ];
  const rows = state.backends.map((backend) => {
    const old = then?.backends.find(({ address }) => address === backend.address) ?? backend;
    return backendRow(backend, old.counters ?? NO_COUNTERS, perSecond);
  });
  return [[...head, "", "", ""], ...rows];
}

function backendRow(
  { address, state, counters = NO_COUNTERS }: Backend,
  before: BackendCounters,
  perSecond: (now: bigint, before?: bigint) => number,
): readonly string[] {
  const bytes = (now: bigint, then: bigint): string => formatBytes(BigInt(Math.round(perSecond(now, then))));
  return [
    "",
    address,
    stateWord(state),
    String(counters.activeConnections),
    perSecond(counters.totalConnections, before.totalConnections).toFixed(1),
    perSecond(counters.failedConnects, before.failedConnects).toFixed(1),
    bytes(counters.bytesIn, before.bytesIn),
    bytes(counters.bytesOut, before.bytesOut),
  ];
}
