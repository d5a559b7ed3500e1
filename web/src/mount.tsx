/** Puts a picture into an element of a page. */

import { effect, signal } from "@preact/signals";
import { render } from "preact";
import { FigureView } from "./figure-view.js";
import { readFrame } from "./frame.js";
import look from "./look.css?inline";
import { browserMeasure } from "./measure.js";
import { SceneContext, type Scene } from "./scene.js";
import { LatestWins, type Source } from "./source.js";
import { decodeState, fromHash, keepInAddress, storeOf } from "./state.js";
import { themeRules, watchPage } from "./theme.js";
import type { Frame } from "./types.js";

/** How a picture is put into a page. */
export interface MountOptions {
  /** Name of the picture in the address of the page; "" or missing: what is set is not kept there. */
  readonly id?: string;
}

/** A picture in a page. */
export interface Mounted {
  /** Shows another frame in place of the one that is shown. */
  update(frame: ArrayBuffer): void;
  /** Removes the picture and everything it listens to. */
  destroy(): void;
}

const measure = /* @__PURE__ */ once(browserMeasure);
let count = 0;

/**
 * Puts a picture into an element.
 *
 * @param element - Is emptied first.
 * @param source - Where its frames come from.
 * @param options - See `MountOptions`.
 * @throws FrameError when a frozen frame is damaged.
 */
export function mount(element: HTMLElement, source: Source, options: MountOptions = {}): Mounted {
  addLook();
  const first = source.kind === "frozen" ? readFrame(source.frame) : null;
  element.replaceChildren();
  element.classList.add("pellucid");
  const id = options.id ?? "";
  const store = storeOf(decodeState(fromHash(location.hash, id)));
  const frame = signal<Frame | null>(first);
  const problem = signal("");
  const { page, stop: stopPage } = watchPage(element);
  const { width, stop: stopWidth } = watchWidth(element);
  const scene = {
    uid: `pellucid-${count++}`, root: element, store, frame: frame as Scene["frame"], width, page, measure: measure(),
    controls: source.kind === "live" ? (source.controls ?? []) : [], problem,
  } satisfies Scene;
  const show = (buffer: ArrayBuffer) => {
    frame.value = readFrame(buffer);
    problem.value = "";
  };
  const stops = [stopPage, stopWidth, keepInAddress(store, id)];
  if (source.kind === "live") stops.push(follow(new LatestWins(source, guarded(show, problem), (error) => (problem.value = wordsOf(error))), store));
  render(<Root scene={scene} frame={frame} />, element);
  return {
    update: show,
    destroy() {
      stops.forEach((stop) => stop());
      render(null, element);
      element.classList.remove("pellucid");
    },
  };
}

function Root({ scene, frame }: { scene: Scene; frame: { readonly value: Frame | null } }) {
  if (!frame.value) {
    return <p class="nothing" role="status">{scene.problem.value || "Waiting for the first picture…"}</p>;
  }
  return (
    <SceneContext.Provider value={scene}>
      <section class="figure"><FigureView /></section>
    </SceneContext.Provider>
  );
}

/** Asks for a frame whenever a parameter changes. */
function follow(asking: LatestWins, store: ReturnType<typeof storeOf>): () => void {
  return effect(() => asking.ask(store.parameters.value));
}

function guarded(show: (buffer: ArrayBuffer) => void, problem: { value: string }): (buffer: ArrayBuffer) => void {
  return (buffer) => {
    try {
      show(buffer);
    } catch (error) {
      problem.value = wordsOf(error);
    }
  };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function watchWidth(element: HTMLElement) {
  const read = () => Math.max(240, Math.floor(element.clientWidth));
  const width = signal(read());
  const observer = new ResizeObserver(() => (width.value = read()));
  observer.observe(element);
  return { width, stop: () => observer.disconnect() };
}

const dressed = new WeakSet<Document>();

/** The look is a sheet of its own, which a page allows that forbids style elements. */
function addLook(): void {
  if (dressed.has(document)) return;
  dressed.add(document);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(themeRules(".pellucid") + look);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}

function once<Value>(make: () => Value): () => Value {
  let made: { value: Value } | null = null;
  return () => (made ??= { value: make() }).value;
}
