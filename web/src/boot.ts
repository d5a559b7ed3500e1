/** Brings the pictures of a page to life: every <div data-pellucid-frame="ID"> with its frame in <script id="ID">. */

import { mount, type Mounted } from "./mount.js";

export { FrameError, readFrame } from "./frame.js";
export { mount } from "./mount.js";
export type { Control } from "./controls.js";
export type { Mounted, MountOptions } from "./mount.js";
export type { FrozenSource, LiveSource, Source } from "./source.js";

/** How far from what is in view a picture is made, pixels. */
const NEAR = "600px";
const started = new WeakSet<Element>();

/**
 * Returns the frame in a script of the page: deflate, then base64.
 *
 * @param id - Of the script.
 */
export async function frameInPage(id: string): Promise<ArrayBuffer> {
  const script = document.getElementById(id);
  if (!script) throw new Error(`There is no frame with id "${id}" on this page.`);
  const packed = Uint8Array.from(atob((script.textContent ?? "").trim()), (one) => one.charCodeAt(0));
  const inflated = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(inflated).arrayBuffer();
}

/** Mounts one place of a page. What stands in it is kept when its frame cannot be read. */
export async function start(place: HTMLElement): Promise<Mounted | null> {
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
export function boot(root: ParentNode = document): void {
  const places = [...root.querySelectorAll<HTMLElement>("[data-pellucid-frame]")];
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

if (typeof document !== "undefined") {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => boot(), { once: true });
  else boot();
}
