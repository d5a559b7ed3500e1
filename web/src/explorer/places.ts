/** The places of a page that the server fills: pictures, and pieces of the page. */

import { mount, type Mounted } from "../mount.js";
import type { Channel, Hear, PushedSource } from "../source.js";
import type { Line, Wish } from "./line.js";
import { morph } from "./morph.js";

/** A place that is filled while it is near what is in view. */
interface Place {
  start(): void;
  stop(): void;
  destroy(): void;
}

/** How far from what is in view a place is filled. */
export const NEAR = "600px";
/** A place that only passes by is not given up, milliseconds. */
const PAUSE = 3000;
export const PLACES = "[data-pellucid-view], [data-pellucid-part]";

/**
 * Fills the places of a page.
 *
 * @param line - To the server.
 * @param say - Says something to those who hear the page.
 */
export function fill(line: Line, say: (words: string) => void): void {
  const places = new Map<Element, Place>();
  const near = new Set<Element>();
  const turn = () => {
    for (const [element, place] of places) {
      if (near.has(element) && !document.hidden) place.start();
      else place.stop();
    }
  };
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting) near.add(target);
        else if ((target as HTMLElement).dataset.pellucidView) near.delete(target); // pieces of text go on: they are small
        if (isIntersecting && !document.hidden) places.get(target)?.start();
        else setTimeout(() => near.has(target) || places.get(target)?.stop(), PAUSE);
      }
    },
    { rootMargin: NEAR },
  );
  const find = () => {
    for (const element of document.querySelectorAll<HTMLElement>(PLACES)) {
      if (places.has(element)) continue;
      places.set(element, element.dataset.pellucidView ? pictureAt(element, line) : pieceAt(element, line, say, find));
      observer.observe(element);
    }
    for (const [element, place] of places) {
      if (element.isConnected) continue;
      place.destroy();
      places.delete(element);
      near.delete(element);
      observer.unobserve(element);
    }
  };
  document.addEventListener("visibilitychange", turn);
  find();
}

/** A picture. It is put into the page once, and from then on only its questions begin and end. */
function pictureAt(element: HTMLElement, line: Line): Place {
  const { pellucidView: view, run, runs, id } = element.dataset;
  const about = { ask: "view", view, run: run ?? null, runs: runs?.split(","), follow: Boolean(run ?? runs) };
  const source = pausing(line, about);
  let mounted: Mounted | null = null;
  return {
    start() {
      source.resume();
      mounted ??= mount(element, source, { id: id ?? view ?? "" });
    },
    stop: source.pause,
    destroy: () => mounted?.destroy(),
  };
}

/** Returns a source that can be silent for a while. */
export function pausing(line: Line, about: Readonly<Record<string, unknown>>): PushedSource & { pause(): void; resume(): void } {
  let wish: Wish | null = null;
  let message: Readonly<Record<string, unknown>> | null = null;
  let silent = true;
  const open = (hear: Hear): Channel => {
    const mine = line.want(hear);
    wish = mine;
    return {
      ask(parameters) {
        message = { ...about, parameters };
        if (!silent) mine.ask(message);
      },
      exact: ({ at = 0 }, index) => line.value(mine.id, at, index),
      close: () => mine.stop(),
    };
  };
  const turn = (quiet: boolean) => () => {
    if (silent === quiet) return;
    silent = quiet;
    if (quiet) wish?.stop();
    else if (message) wish?.ask(message);
  };
  return { kind: "pushed", open, pause: turn(true), resume: turn(false) };
}

/** A piece of the page. */
function pieceAt(element: HTMLElement, line: Line, say: (words: string) => void, filled: () => void): Place {
  let heard: readonly string[] | null = null;
  let asking = false;
  const wish = line.want({
    html(html) {
      // Written by our own server, which escapes what comes from runs; scripts in it would not run.
      morph(element, new DOMParser().parseFromString(html, "text/html").body);
      element.removeAttribute("aria-busy");
      filled();
      const words = [...element.querySelectorAll<HTMLElement>("[data-say]")].map((one) => one.dataset.say ?? "");
      if (heard) say(words.filter((one) => !heard!.includes(one)).join(". "));
      heard = words;
    },
    failed({ message }) {
      const words = document.createElement("p");
      words.textContent = message;
      element.replaceChildren(words);
      say(message);
    },
  });
  const stop = () => {
    asking = false;
    wish.stop();
  };
  const start = () => {
    if (!asking) wish.ask({ ask: "part", part: element.dataset.pellucidPart });
    asking = true;
  };
  return { start, stop, destroy: stop };
}
