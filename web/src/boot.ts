/** Brings the pictures of a page to life: every <div data-pellucid-frame="ID"> with its frame in <script id="ID">. */

import { NEAR, PLACES } from "./explorer/places.js";
import { explore } from "./explorer/start.js";
import { mount, type Mounted } from "./mount.js";
import { widget } from "./widget.js";

export { mount } from "./mount.js";
export type { Mounted, MountOptions } from "./mount.js";
export type { FrozenSource, LiveSource, PushedSource, Source } from "./source.js";
export type { Control } from "./types.js";
export { widget } from "./widget.js";

const started = new WeakSet<Element>();

/**
 * Returns the frame in a script of the page: deflate, then base64.
 *
 * @param id - Of the script.
 */
async function frameInPage(id: string): Promise<ArrayBuffer> {
  const script = document.getElementById(id);
  if (!script) throw new Error(`There is no frame with id "${id}" on this page.`);
  const text = atob((script.textContent ?? "").trim());
  const packed = new Uint8Array(text.length);
  // Many megabytes: a loop takes a tenth of the time of Uint8Array.from.
  for (let place = 0; place < text.length; place++) packed[place] = text.charCodeAt(place);
  const inflated = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(inflated).arrayBuffer();
}

/** Mounts one place of a page. What stands in it is kept when its frame cannot be read. */
async function start(place: HTMLElement): Promise<Mounted | null> {
  if (started.has(place)) return null;
  started.add(place);
  const id = place.dataset.pellucidFrame ?? "";
  try {
    const frame = await frameInPage(id);
    return mount(place, { kind: "frozen", frame }, { id });
  } catch (error) {
    const words = document.createElement("p");
    words.className = "pellucid-problem";
    words.textContent = `The picture could not be shown: ${error instanceof Error ? error.message : String(error)}`;
    place.append(words);
    return null;
  }
}

/** Mounts every place of the page once it comes near what is in view. */
function boot(): void {
  const places = [...document.querySelectorAll<HTMLElement>("[data-pellucid-frame]")];
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        void start(target as HTMLElement);
      }
    },
    { rootMargin: NEAR },
  );
  places.forEach((place) => observer.observe(place));
  // Paper shows everything at once.
  addEventListener("beforeprint", () => places.forEach((place) => void start(place)), { once: true });
}

/** Tells the page around a notebook's picture how high it is. */
function tellHeight(id: string): void {
  const root = document.documentElement;
  const tell = () => parent.postMessage({ pellucid: "height", id, height: Math.ceil(root.getBoundingClientRect().height) }, "*");
  new ResizeObserver(tell).observe(root);
}

function begin(): void {
  boot();
  const { pellucidEmbedded } = document.documentElement.dataset;
  if (pellucidEmbedded && parent !== window) tellHeight(pellucidEmbedded);
  if (document.querySelector(PLACES)) explore();
}

// As a module, which a widget is, the script leaves no name of its own.
Object.assign(globalThis, { pellucid: { widget } });
if (typeof document !== "undefined") {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin, { once: true });
  else begin();
}
