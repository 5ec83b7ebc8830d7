import assert from "node:assert/strict";
import { credentials, loadPackageDefinition, type Client, type ServiceError } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ErrorInfo, protoDirectory, protoFile, Status } from "@seamless/proto";
import { SeamlessError } from "@seamless/sdk";
import { run } from "../support/process.js";
import { ctl, type RunningProxy } from "../support/proxy.js";

/** What every way of managing the proxy can say. An `error` is a stable code, or the text that curl gets. */
export interface Answer {
  readonly list?: string;
  readonly error?: string;
}

/** One way of managing the proxy. */
export interface ManagementClient {
  readonly name: string;
  get(): Promise<Answer>;
  set(backends: readonly string[]): Promise<Answer>;
  add(backend: string): Promise<Answer>;
  remove(address: string): Promise<Answer>;
}

interface PlainState {
  readonly backends: readonly {
    readonly address: string;
    readonly weight: number;
    readonly state: unknown;
  }[];
}

/** As the curl interface writes it: each address once per unit of weight, draining ones not. */
function listOf({ backends }: PlainState, draining: unknown): string {
  const listed = backends.filter(({ state }) => state !== draining);
  return listed.flatMap(({ address, weight }) => Array.from({ length: weight }, () => address)).join();
}

export function sdkClient({ client }: RunningProxy): ManagementClient {
  const answer = async (work: Promise<{ state: PlainState }>): Promise<Answer> => {
    try {
      return { list: listOf((await work).state, 4) };
    } catch (error) {
      assert.ok(error instanceof SeamlessError);
      return { error: error.code };
    }
  };
  return {
    name: "SDK",
    get: () => answer(client.get()),
    set: (backends) => answer(client.set(backends)),
    add: (backend) => answer(client.add([backend])),
    remove: (address) => answer(client.remove([address])),
  };
}

type RawCall = (
  request: object,
  callback: (error: ServiceError | null, response: { state: PlainState }) => void,
) => void;

/** Reads the contract by itself, through proto-loader: nothing generated. */
export function rawClient(proxy: RunningProxy): ManagementClient & { close(): void } {
  const definition = loadSync(protoFile, { includeDirs: [protoDirectory], enums: String, defaults: true });
  const { SeamlessService } = (
    loadPackageDefinition(definition) as unknown as {
      seamless: {
        v1: { SeamlessService: new (address: string, with_: unknown) => Client & Record<string, RawCall> };
      };
    }
  ).seamless.v1;
  const client = new SeamlessService(proxy.grpc, credentials.createInsecure());
  const call = (method: string, request: object): Promise<Answer> =>
    new Promise((resolve) => {
      client[method]?.(request, (error, response) => {
        resolve(
          error ? { error: reasonOf(error) } : { list: listOf(response.state, "BACKEND_STATE_DRAINING") },
        );
      });
    });
  return {
    name: "raw gRPC",
    get: () => call("Get", {}),
    set: (backends) => call("Set", { backends: backends.map((address) => ({ address })) }),
    add: (address) => call("Add", { backends: [{ address }] }),
    remove: (address) => call("Remove", { addresses: [address] }),
    close: () => client.close(),
  };
}

function reasonOf({ metadata }: ServiceError): string {
  const [bytes] = metadata.get("grpc-status-details-bin");
  const [detail] = Status.decode(bytes as Buffer).details;
  return ErrorInfo.decode(detail?.value ?? Buffer.alloc(0)).reason;
}

export function ctlClient({ grpc }: RunningProxy): ManagementClient {
  const call = async (...args: string[]): Promise<Answer> => {
    const { exitCode, stdout, stderr } = await run(process.execPath, [
      ctl,
      "-a",
      grpc,
      "-o",
      "json",
      ...args,
    ]);
    if (exitCode !== 0) return { error: (JSON.parse(stderr) as { error: { code: string } }).error.code };
    const answer = JSON.parse(stdout) as PlainState & { state?: PlainState };
    return { list: listOf(answer.state ?? answer, "draining") };
  };
  return {
    name: "seamlessctl",
    get: () => call("get"),
    set: (backends) => call("set", ...backends),
    add: (backend) => call("add", backend),
    remove: (address) => call("remove", address),
  };
}

export function curlClient({ http }: RunningProxy): ManagementClient {
  const call = async (path: string, ...form: string[]): Promise<Answer> => {
    const { stdout } = await run("curl", ["-s", "-G", "-w", "%{http_code}", ...form, `${http}${path}`]);
    const [, text = "", status] = /^(.*)\n(\d{3})$/s.exec(stdout) ?? [];
    return status === "200" ? { list: text } : { error: `${status ?? ""} ${text}` };
  };
  const field = (name: string, value: string): string[] => ["--data-urlencode", `${name}=${value}`];
  return {
    name: "curl",
    get: () => call("/get"),
    set: (backends) => call("/set", ...field("backends", backends.join(", "))),
    add: (backend) => call("/add", ...field("backend", backend)),
    remove: (address) => call("/remove", ...field("backend", address)),
  };
}
