/** What all parts of one picture share. */

import type { ReadonlySignal, Signal } from "./signals.js";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Measure } from "./measure.js";
import type { Page } from "./raster/colors.js";
import type { Store } from "./state.js";
import type { Frame, NDArray, Parameters } from "./types.js";

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
  /** Sets controls; the frame for them is asked for. */
  readonly set: (values: Parameters) => void;
  /** Sets the controls that a click on the plane of a picture chooses; null when there are none. */
  readonly pick: ((x: number, y: number) => void) | null;
  /** Asks for the exact value of a rounded array; null where nobody can be asked. */
  readonly exact: ((array: NDArray, index: readonly number[]) => Promise<number>) | null;
  /** How the connection is; "" while nothing needs to be said. */
  readonly status: ReadonlySignal<string>;
  /** What last went wrong; "" for nothing. */
  readonly problem: ReadonlySignal<string>;
}

/** Gives the scene to every part below. */
export const SceneContext = createContext<Scene | null>(null);

/** Returns the scene of the picture that a part belongs to. */
export function useScene(): Scene {
  return useContext(SceneContext)!;
}
