/** Where frames come from. */

import type { Control } from "./controls.js";
import type { Parameter } from "./types.js";

/** A frame that never changes. */
export interface FrozenSource {
  readonly kind: "frozen";
  readonly frame: ArrayBuffer;
}

/** Frames that are computed for parameters. */
export interface LiveSource {
  readonly kind: "live";
  /** Returns the frame for parameters; only the answer to the latest request is shown. */
  request(parameters: Readonly<Record<string, Parameter>>): Promise<ArrayBuffer>;
  /** What can be set. */
  readonly controls?: readonly Control[];
}

/** Where frames come from. */
export type Source = FrozenSource | LiveSource;

/** Asks a live source, one request at a time; what is asked meanwhile replaces what waits. */
export class LatestWins {
  readonly #source: LiveSource;
  readonly #show: (frame: ArrayBuffer) => void;
  readonly #fail: (error: unknown) => void;
  #waiting: Readonly<Record<string, Parameter>> | null = null;
  #busy = false;

  constructor(source: LiveSource, show: (frame: ArrayBuffer) => void, fail: (error: unknown) => void) {
    this.#source = source;
    this.#show = show;
    this.#fail = fail;
  }

  /** Asks for a frame. */
  ask(parameters: Readonly<Record<string, Parameter>>): void {
    this.#waiting = parameters;
    if (!this.#busy) void this.#run();
  }

  async #run(): Promise<void> {
    this.#busy = true;
    while (this.#waiting) {
      const parameters = this.#waiting;
      this.#waiting = null;
      try {
        const frame = await this.#source.request(parameters);
        if (!this.#waiting) this.#show(frame);
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#busy = false;
  }
}
