import { startListening } from "../support/programs.js";

/** Any other proxy: `NAME=COMMAND`, where {port} and {backends} (host:port,host:port) stand for what they say. */
export function otherContender(text) {
  const [, name, command] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (!name) throw new TypeError(`--other is NAME=COMMAND, not '${text}'`);
  return {
    id: name,
    name,
    isThere: () => true,
    version: () => name,
    start({ port, backendPorts }) {
      const backends = backendPorts.map((backend) => `127.0.0.1:${backend}`).join();
      const words = command.replaceAll("{port}", port).replaceAll("{backends}", backends).split(" ");
      return startListening(words[0], words.slice(1), port);
    },
  };
}
