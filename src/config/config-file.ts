import { readFileSync } from "node:fs";
import type { Option } from "commander";
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Node, type YAMLMap } from "yaml";
import { checkServiceName } from "../control/service-name.js";
import { ProxyError } from "../errors.js";
import { formatListenAddress, parseListenAddress } from "../listen-address.js";
import { Claims } from "./claims.js";
import { lonelyFlags, spelled } from "./lonely-flags.js";
import { managementAddresses, processFlags, type ManagementFlags } from "./process-flags.js";
import { parseBackendText } from "./backend-text.js";
import type { ListenAddress } from "../engine/engine.js";
import type { ServiceConfig } from "../control/service-config.js";
import { serviceFlags, toServiceSettings, type ServiceFlags } from "./service-flags.js";

/**
 * The configuration file: YAML, whose keys are the flags of the command line with `_` for `-`, and `services` with one
 * entry per service. Values are read by the flags' own parsers, so that there is one description of each.
 */
export interface ConfigFile {
  /** By the flags' names in camel case. */
  readonly process: Readonly<Record<string, unknown>>;
  readonly services: readonly ServiceConfig[];
}

const NOTHING: ConfigFile = { process: {}, services: [] };
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * @param defaults what the command line says of all services
 * @throws ProxyError CONFIG_INVALID, with a line for each thing that is wrong: file, line, field and what to do
 */
export function readConfigFile(path: string, defaults: Readonly<Record<string, unknown>> = {}): ConfigFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ProxyError("CONFIG_INVALID", `${path}: ${(error as Error).message}`, { cause: error });
  }
  return parseConfigFile(text, path, defaults);
}

/** @throws ProxyError CONFIG_INVALID */
export function parseConfigFile(
  text: string,
  path: string,
  defaults: Readonly<Record<string, unknown>> = {},
): ConfigFile {
  const reader = new Reader(path);
  return reader.finish(reader.read(text, defaults));
}

/** Goes through the document once and notes all that is wrong. */
class Reader {
  readonly #path: string;
  readonly #lines = new LineCounter();
  /** By the field that says so. */
  readonly #claims = new Claims();
  readonly #problems: { readonly line: number; readonly text: string }[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  read(text: string, defaults: Readonly<Record<string, unknown>>): ConfigFile {
    if (text.length > MAX_BYTES) {
      this.#refuse(undefined, "", `it is larger than ${MAX_BYTES} bytes`);
      return NOTHING;
    }
    const document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    for (const { pos, message } of document.errors) this.#note(pos[0], "", message);
    const root: unknown = document.contents;
    if (!isMap(root)) {
      if (document.errors.length === 0) this.#refuse(undefined, "", "expected a mapping with 'services'");
      return NOTHING;
    }
    const { services, ...rest } = this.#fields(root, "");
    const process = this.#values(processFlags(), rest, "");
    this.#refuseLonely(rest, defaults, "");
    this.#claimManagement(rest, { ...process, ...defaults });
    return { process, services: this.#services(services, defaults) };
  }

  #refuse(node: Node | undefined, field: string, message: string): void {
    this.#note(node?.range?.[0], field, message);
  }

  /** @throws ProxyError CONFIG_INVALID if something was wrong */
  finish<T>(value: T): T {
    if (this.#problems.length === 0) return value;
    const inOrder = this.#problems.toSorted((a, b) => a.line - b.line);
    throw new ProxyError("CONFIG_INVALID", inOrder.map(({ text }) => text).join("\n"));
  }

  #note(offset: number | undefined, field: string, message: string): void {
    const line = offset === undefined ? 0 : this.#lines.linePos(offset).line;
    const where = line === 0 ? this.#path : `${this.#path}:${line}`;
    this.#problems.push({ line, text: `${where}: ${field === "" ? "" : `${field}: `}${message}` });
  }

  #services(field: Field | undefined, defaults: Readonly<Record<string, unknown>>): ServiceConfig[] {
    if (!field || !isMap(field.value) || field.value.items.length === 0) {
      this.#refuse(
        field?.key,
        "services",
        "expected at least one service, as in 'services: {web: {listen: 8080}}'",
      );
      return [];
    }
    return Object.entries(this.#fields(field.value, "services")).flatMap(([name, { key, value }]) => {
      const where = `services.${name}`;
      this.#try(key, where, () => checkServiceName(name));
      if (isMap(value)) return this.#service(name, key, value, defaults) ?? [];
      this.#refuse(key, where, "expected a mapping with 'listen'");
      return [];
    });
  }

  #service(
    name: string,
    key: Node,
    map: YAMLMap,
    defaults: Readonly<Record<string, unknown>>,
  ): ServiceConfig | undefined {
    const where = `services.${name}`;
    const { listen, backends, ...rest } = this.#fields(map, where);
    const flags = serviceFlags();
    const values = { ...initialOf(flags), ...defaults, ...this.#values(flags, rest, where) };
    this.#refuseLonely(rest, defaults, where);
    const addresses = this.#texts(listen, `${where}.listen`, parseListenAddress);
    if (!listen || (isSeq(listen.value) && listen.value.items.length === 0))
      this.#refuse(key, where, "'listen' is missing: say where clients connect, as in 'listen: 8080'");
    for (const address of addresses) this.#claim(address, listen?.key ?? key, `${where}.listen`);
    const list = this.#texts(backends, `${where}.backends`, parseBackendText);
    const settings = this.#try(key, where, () => toServiceSettings(values as unknown as ServiceFlags));
    return settings && { name, listen: addresses, backends: list, settings };
  }

  #claim(address: ListenAddress, node: Node | undefined, field: string): void {
    const other = this.#claims.add(address, field);
    if (other !== undefined)
      this.#refuse(node, field, `${formatListenAddress(address)} is taken by ${other} already`);
  }

  /** Where it listens if nothing is said of it counts as well. */
  #claimManagement(fields: Fields, said: Readonly<Record<string, unknown>>): void {
    const understood = Object.entries(said).filter(([, value]) => value !== undefined);
    const flags = { ...initialOf(processFlags()), ...Object.fromEntries(understood) };
    const addresses = managementAddresses(flags as unknown as ManagementFlags);
    for (const part of ["grpc", "http"] as const) {
      const field = fields[part] ?? fields[`${part}_port`] ?? fields[`${part}_host`];
      if (addresses[part]) this.#claim(addresses[part], field?.key, part);
    }
  }

  /** Also the command line may have said what they need. */
  #refuseLonely(fields: Fields, defaults: Readonly<Record<string, unknown>>, where: string): void {
    const options = [...processFlags(), ...serviceFlags()].map((option) => option.attributeName());
    const given = options.filter((name) => fields[spelled(name, "_")]);
    for (const { flag, needs } of lonelyFlags([...given, ...Object.keys(defaults)])) {
      const name = spelled(flag, "_");
      const path = where === "" ? name : `${where}.${name}`;
      if (fields[name])
        this.#refuse(fields[name].key, path, `it means nothing without '${spelled(needs, "_")}'`);
    }
  }

  #values(options: readonly Option[], fields: Fields, where: string): Record<string, unknown> {
    const known = new Map(options.map((option) => [option.name().replaceAll("-", "_"), option]));
    const values: Record<string, unknown> = {};
    for (const [name, { key, value }] of Object.entries(fields)) {
      const [path, option] = [where === "" ? name : `${where}.${name}`, known.get(name)];
      const text = textOf(value);
      if (!option)
        this.#refuse(key, path, `there is no such field; there are: ${[...known.keys()].join(", ")}`);
      else if (text === undefined) this.#refuse(key, path, "expected one value");
      else {
        const read = (): unknown => (option.parseArg ? option.parseArg(text, undefined) : text);
        values[option.attributeName()] = this.#try(value ?? key, path, read);
      }
    }
    return values;
  }

  #texts<T>(field: Field | undefined, where: string, parse: (text: string) => T): T[] {
    if (!field) return [];
    const nodes = isSeq(field.value) ? (field.value.items as Node[]) : field.value ? [field.value] : [];
    return nodes.flatMap((node) => {
      const text = textOf(node);
      if (text === undefined) {
        this.#refuse(field.key, where, "expected a text or a list of texts");
        return [];
      }
      const parsed = this.#try(node, where, () => parse(text));
      return parsed === undefined ? [] : [parsed];
    });
  }

  #fields(map: YAMLMap, where: string): Fields {
    const fields: Record<string, Field> = Object.create(null) as Record<string, Field>;
    for (const { key, value } of map.items as { key: Node; value: Node | null }[]) {
      const name = textOf(key);
      if (name === undefined) this.#refuse(key, where, "a name was expected here");
      else fields[name] = { key, value: value ?? undefined };
    }
    return fields;
  }

  #try<T>(node: Node, where: string, act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      this.#refuse(node, where, (error as Error).message);
      return undefined;
    }
  }
}

interface Field {
  readonly key: Node;
  readonly value: Node | undefined;
}
type Fields = Readonly<Record<string, Field>>;

function initialOf(options: readonly Option[]): Record<string, unknown> {
  return Object.fromEntries(
    options.map((option) => [option.attributeName(), option.defaultValue as unknown]),
  );
}

/** As it is written: `8080` and `3s` are texts like any other. */
function textOf(node: Node | undefined): string | undefined {
  if (!isScalar(node) || node.value === null) return undefined;
  return node.source ?? JSON.stringify(node.value);
}
