import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig } from "vite";

const folder = resolve(import.meta.dirname, "tests");
const tests = readdirSync(folder, { recursive: true, encoding: "utf-8" }).filter((name) => name.endsWith(".test.ts"));

/** The tests as plain modules, because node 20 does not read TypeScript. */
export default defineConfig({
  oxc: { jsx: { runtime: "classic", pragma: "h", pragmaFrag: "Fragment" } },
  build: {
    ssr: true,
    rollupOptions: {
      input: Object.fromEntries(tests.map((name) => [name.replace(/\.ts$/, ""), resolve(folder, name)])),
      output: { entryFileNames: "[name].mjs" },
    },
    outDir: resolve(import.meta.dirname, "build/tests"),
    emptyOutDir: true,
    target: "es2022",
    minify: false,
  },
});
