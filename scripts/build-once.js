// Builds a fresh clone in which `npm ci --ignore-scripts` skipped the build. Output goes to stderr,
// since stdout belongs to the command that is about to run.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
process.stderr.write("seamless: not built yet, running `npm run build` once\n");
const build = spawnSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: ["ignore", 2, 2] });
if (build.status !== 0) {
  process.stderr.write("seamless: the build failed; run `npm ci && npm run build` in the clone\n");
  process.exit(1);
}
