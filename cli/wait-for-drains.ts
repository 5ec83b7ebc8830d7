import type { DrainStatus } from "@seamless/sdk";
import { drainStep, formatDrainEnds, jsonDrain } from "./drain-text.js";
import { createProgress } from "./progress.js";
import type { Run } from "./with-client.js";

/** Waits until drains have ended, telling how far they are, and then how they ended. */
export async function waitForDrains(
  { client, context, options }: Run,
  addresses: readonly string[],
): Promise<readonly DrainStatus[]> {
  const { signal, stdout } = context;
  const progress = createProgress(context, options.output);
  const onProgress = (drains: readonly DrainStatus[]): void =>
    progress.show(drainStep(drains, { drains: drains.map(jsonDrain) }));
  try {
    const drains = await client.waitForDrain(addresses, { signal, onProgress });
    progress.end();
    if (options.output === "table") stdout.write(formatDrainEnds(drains));
    return drains;
  } finally {
    progress.end();
  }
}
