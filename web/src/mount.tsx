/** Puts a picture into an element of a page. */

import { batch, effect, signal, type Signal } from "./signals.js";
import { h, render } from "preact";
import { appended } from "./append.js";
import { keptWishes, picksOf } from "./control.js";
import { FigureView } from "./figure-view.js";
import { framesOf, readFrame } from "./frame.js";
import look from "./look.css?inline";
import { browserMeasure, type Measure } from "./measure.js";
import { SceneContext, type Scene } from "./scene.js";
import { openSource, type Source } from "./source.js";
import { decodeState, fromHash, keepInAddress, storeOf, type Store } from "./state.js";
import { themeRules, watchPage } from "./theme.js";
import type { Frame, Parameters } from "./types.js";

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

/** Only what takes longer is spoken of, milliseconds. */
const PATIENCE = 500;
let measure: Measure | null = null;
let count = 0;

/**
 * Puts a picture into an element.
 *
 * @param element - Is emptied when the first frame is there.
 * @param source - Where its frames come from.
 * @param options - See `MountOptions`.
 * @throws FrameError when a frozen frame is damaged.
 */
export function mount(element: HTMLElement, source: Source, options: MountOptions = {}): Mounted {
  addLook();
  const first = source.kind === "frozen" ? readFrame(framesOf(source.frame)[0]!) : null;
  const id = options.id ?? "";
  const store = storeOf(decodeState(fromHash(location.hash, id)));
  const shown = signal(first);
  const link = linkOf(source, shown, store);
  element.classList.add("pellucid");
  const { page, stop: stopPage } = watchPage(element);
  const { width, stop: stopWidth } = watchWidth(element);
  const scene: Scene = {
    uid: `pellucid-${count++}`, root: element, store, frame: shown as Scene["frame"], width, page,
    measure: (measure ??= browserMeasure()), problem: link.problem, status: link.status, exact: link.channel.exact ?? null,
    set: (values) => (store.parameters.value = { ...store.parameters.peek(), ...values }),
    get pick() {
      const { controls } = scene.frame.value;
      return picksOf(controls, 0, 0) && ((x: number, y: number) => scene.set(picksOf(controls, x, y)!));
    },
  };
  element.addEventListener("focusin", keepKeys);
  const stops = [stopPage, stopWidth, keepInAddress(store, id), link.stop, appear(element, scene, shown)];
  return {
    update: link.show,
    destroy() {
      stops.forEach((stop) => stop());
      element.removeEventListener("focusin", keepKeys);
      render(null, element);
      element.classList.remove("pellucid");
    },
  };
}

/** Asks whenever a parameter changes, and shows what comes. */
function linkOf(source: Source, shown: Signal<Frame | null>, store: Store) {
  const [problem, status] = [signal(""), signal("")];
  let timer = 0;
  let warning = "";
  let asked: Parameters | null = null;
  const answered = () => {
    clearTimeout(timer);
    status.value = "";
  };
  const failed = (error: unknown) => {
    answered();
    const words = error instanceof Error ? error.message : String(error);
    const wishes = store.parameters.peek();
    problem.value = shown.peek() ? `${words} The picture still shows what was set before.` : words;
    // An old link may wish for what is not there any more.
    if (shown.peek() || !Object.keys(wishes).length) return;
    warning = `This link could not be followed: ${words}`;
    store.parameters.value = {};
  };
  const ask = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => (status.value = "Computing…"), PATIENCE);
    channel.ask(store.parameters.peek());
  };
  const show = (buffer: ArrayBuffer) => {
    const come = readFrame(buffer);
    const whole = come.append ? appended(shown.peek(), come) : come;
    if (!whole) return ask();
    answered();
    batch(() => {
      [problem.value, warning] = [warning, ""];
      shown.value = whole;
      // What is only tidied up needs no other answer.
      store.parameters.value = asked = keptWishes(whole.controls, store.parameters.peek());
    });
  };
  const heard = (buffer: ArrayBuffer) => {
    try {
      show(buffer);
    } catch (error) {
      failed(error);
    }
  };
  const channel = openSource(source, { frame: heard, failed });
  const stopAsking = effect(() => {
    const wanted = store.parameters.value;
    if (wanted === asked) return;
    const begins = asked === null;
    asked = wanted;
    if (!begins || !shown.peek() || Object.keys(wanted).length) ask();
  });
  const stop = () => {
    answered();
    stopAsking();
    channel.close();
  };
  return { problem, status, channel, show, stop };
}

/** What stands in the element stays until there is something to show. */
function appear(element: HTMLElement, scene: Scene, shown: Signal<Frame | null>): () => void {
  let done = false;
  return effect(() => {
    if (done || !(shown.value || scene.problem.value)) return;
    done = true;
    element.replaceChildren();
    render(<Root scene={scene} shown={shown} />, element);
  });
}

function Root({ scene, shown }: { scene: Scene; shown: Signal<Frame | null> }) {
  if (!shown.value) return <p class="problem" role="alert">{scene.problem.value}</p>;
  return (
    <SceneContext.Provider value={scene}>
      <section class="figure"><FigureView /></section>
    </SceneContext.Provider>
  );
}

/** JupyterLab takes the keys of whatever does not bear this mark while it has the focus. */
function keepKeys(event: FocusEvent): void {
  (event.target as HTMLElement).setAttribute("data-lm-suppress-shortcuts", "true");
}

function watchWidth(element: HTMLElement) {
  const read = () => Math.max(240, Math.floor(element.clientWidth));
  const width = signal(read());
  const observer = new ResizeObserver(() => (width.value = read()));
  observer.observe(element);
  return { width, stop: () => observer.disconnect() };
}

let sheet: CSSStyleSheet | null = null;

/** The look is a sheet of its own, which a page allows that forbids style elements. */
export function addLook(): void {
  if (sheet) return;
  sheet = new CSSStyleSheet();
  sheet.replaceSync(themeRules(".pellucid") + look);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}
