import { resolve } from "node:path";
import { defineConfig } from "vite";

/** One file for every page: the carriers paste it in, so it must hold everything, its look included. */
export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    lib: {
      entry: resolve(import.meta.dirname, "src/boot.ts"),
      name: "pellucid",
      formats: ["iife"],
      fileName: () => "picture.js",
    },
    outDir: resolve(import.meta.dirname, "../src/pellucid/outlets/page"),
    emptyOutDir: false,
    target: "es2022",
    minify: true,
    sourcemap: false,
  },
});
