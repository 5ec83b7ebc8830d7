import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { execPath } from "node:process";
import type { TestContext } from "node:test";
import type { Target } from "../engine.js";

const LISTEN = `const server = require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 });
server.on("listening", () => console.log(server.address().port));`;

/** A target that answers no SYN: a stopped process, whose listening socket has its queue full. */
export async function startFull(t: TestContext): Promise<Target> {
  const child = spawn(execPath, ["-e", LISTEN], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  child.kill("SIGSTOP");
  const port = Number(line.toString());
  for (let i = 0; i < 4; i++) {
    const filler = connect({ port, host: "127.0.0.1" });
    filler.on("error", () => undefined);
    t.after(() => filler.destroy());
    if (i < 2) await once(filler, "connect");
  }
  return { weight: 1, id: "full", endpoints: [{ host: "127.0.0.1", port }] };
}
