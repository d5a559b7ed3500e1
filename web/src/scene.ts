/** What all parts of one picture share. */

import type { ReadonlySignal, Signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Control } from "./controls.js";
import type { Measure } from "./measure.js";
import type { Page } from "./raster/colors.js";
import type { Store } from "./state.js";
import type { Frame } from "./types.js";

/** What all parts of one picture share. */
export interface Scene {
  /** Unique on the page; prefix of ids. */
  readonly uid: string;
  /** The element that holds the picture. */
  readonly root: HTMLElement;
  readonly store: Store;
  readonly frame: Signal<Frame>;
  /** Width there is, pixels. */
  readonly width: ReadonlySignal<number>;
  readonly page: ReadonlySignal<Page>;
  readonly measure: Measure;
  /** Parameters that are computed elsewhere; empty for a frozen picture. */
  readonly controls: readonly Control[];
  /** What last went wrong; "" for nothing. */
  readonly problem: ReadonlySignal<string>;
}

/** Gives the scene to every part below. */
export const SceneContext = createContext<Scene | null>(null);

/** Returns the scene of the picture that a part belongs to. */
export function useScene(): Scene {
  const scene = useContext(SceneContext);
  if (!scene) throw new Error("This part stands outside a picture.");
  return scene;
}
