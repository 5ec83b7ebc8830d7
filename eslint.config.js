import js from "@eslint/js";
import { createTypeScriptImportResolver } from "eslint-import-resolver-typescript";
import { importX } from "eslint-plugin-import-x";
import tseslint from "typescript-eslint";

/** What a folder may not import, and why. */
const boundary = (files, patterns, ignores = []) => ({
  files,
  ignores: [...ignores, "**/*.test.ts", "**/testing/**"],
  rules: { "no-restricted-imports": ["error", { patterns }] },
});
const grpc = {
  group: ["@grpc/*", "@seamless/*", "**/admin/*"],
  message: "the data and control planes know nothing of gRPC",
};

export default tseslint.config(
  { ignores: ["**/dist/", "proto/gen/", "src/etcd/gen/", "coverage/", ".node24/", "eslint.config.js"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.strictTypeChecked, importX.flatConfigs.typescript],
    plugins: { "import-x": importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      "import-x/resolver-next": [
        createTypeScriptImportResolver({ project: "*/tsconfig.json", noWarnOnMultipleProjects: true }),
      ],
    },
    rules: {
      "import-x/no-cycle": "error",
      "import-x/no-default-export": "error",
      "import-x/no-extraneous-dependencies": [
        "error",
        {
          devDependencies: ["**/*.test.ts", "**/testing/**", "test/**"],
          packageDir: [".", "src", "sdk", "cli", "proto", "native", "test"],
        },
      ],
      "no-restricted-globals": ["error", { name: "process", message: "only main.ts touches the process" }],
      "no-restricted-syntax": [
        "error",
        {
          selector: "ImportDeclaration[source.value=/^(node:)?process$/]",
          message: "only main.ts touches the process",
        },
      ],
      "max-lines": ["error", { max: 400 }],
      "max-lines-per-function": ["error", { max: 60 }],
      complexity: ["error", 10],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
    },
  },
  boundary(
    ["src/engine/**/*.ts"],
    [grpc, { group: ["**/control/*"], message: "an engine knows addresses and counters only" }],
  ),
  boundary(
    ["src/control/**/*.ts"],
    [
      grpc,
      { group: ["**/engine/node/*", "**/engine/native/*"], message: "use the interface in engine/engine.ts" },
      { group: ["**/fleet/*", "**/etcd/*"], message: "use the interface in control/fleet.ts" },
    ],
  ),
  boundary(
    ["src/etcd/**/*.ts"],
    [
      {
        group: ["**/control/*", "**/admin/*", "**/engine/*", "**/fleet/*"],
        message: "a client of etcd, and no more",
      },
    ],
  ),
  boundary(
    ["src/admin/**/*.ts"],
    [{ group: ["**/engine/*"], message: "management talks to the control plane" }],
  ),
  boundary(["sdk/**/*.ts"], [{ group: ["commander", "seamless"], message: "the SDK stands alone" }]),
  boundary(
    ["cli/**/*.ts"],
    [{ group: ["@grpc/*", "@seamless/proto"], message: "the CLI uses the SDK only" }],
  ),
  {
    files: ["**/*.test.ts", "**/testing/**/*.ts", "test/**/*.ts"],
    rules: {
      "max-lines-per-function": "off",
      // node:test returns promises that the runner awaits by itself.
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            { from: "package", name: ["test", "it", "describe", "suite"], package: "node:test" },
          ],
        },
      ],
      "no-restricted-globals": "off",
      "no-restricted-syntax": "off",
    },
  },
  {
    files: ["native/*.js"],
    languageOptions: { globals: { module: "writable", require: "readonly", __dirname: "readonly" } },
  },
  { files: ["src/main.ts", "cli/main.ts"], rules: { "no-restricted-globals": "off" } },
  {
    files: ["**/*.js", "**/*.mjs"],
    languageOptions: {
      globals: {
        AbortSignal: "readonly",
        process: "readonly",
        URL: "readonly",
        console: "readonly",
        Buffer: "readonly",
        performance: "readonly",
        setTimeout: "readonly",
        clearTimeout: "readonly",
      },
    },
  },
);
