import { resolve } from "node:path";
import { defineConfig } from "vite";
import { INNER } from "./src/inner.js";
import * as short from "./src/short.js";

/** Each name of short.js as the sources write it: "Math.max" for max. */
const inject = Object.fromEntries(Object.keys(short).map((name) => {
  const home = ["Math", "Number", "Object", "Array", "JSON"].find((one) => Object.hasOwn(globalThis[one], name));
  return [home ? `${home}.${name}` : name, [resolve(import.meta.dirname, "src/short.js"), name]];
}));

/** Nested rules need no "&" before a descendant in the browsers of `cssTarget`; half a kilobyte. */
const shortRules = {
  name: "short-rules",
  enforce: "post",
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) chunk.code &&= chunk.code.replace(/(?<=[{},;])& ?(?=[.:[>*a-z])/g, "");
  },
};

/** What is declared once may as well be changed: "let" is shorter, and one of them holds several names; 1.7 kB. */
const letForConst = {
  name: "let-for-const",
  renderChunk: (code) => ({ code: code.replace(/\bconst (?=[\w$[{])/g, "let "), map: null }),
};

/** One file for every page: the carriers paste it in, so it must hold everything, its look included. */
export default defineConfig({
  plugins: [letForConst, shortRules],
  oxc: { jsx: { runtime: "classic", pragma: "h", pragmaFrag: "Fragment" } },
  build: {
    lib: {
      entry: resolve(import.meta.dirname, "src/boot.ts"),
      name: "pellucid",
      formats: ["iife"],
      fileName: () => "picture.js",
    },
    outDir: resolve(import.meta.dirname, "../src/pellucid/core/figure/live"),
    emptyOutDir: false,
    target: "es2024",
    cssTarget: ["chrome120", "firefox121", "safari17.2"], // these know nested rules, which are shorter
    minify: "terser",
    terserOptions: {
      ecma: 2020, module: true, toplevel: true,
      compress: { passes: 4, unsafe_arrows: true, pure_getters: true, unsafe_methods: true, keep_fargs: false },
      mangle: { properties: { regex: new RegExp(`^(${INNER.join("|")})$`) } },
    },
    sourcemap: false,
    rolldownOptions: { transform: { inject }, output: { generatedCode: { symbols: false } } },
  },
});
