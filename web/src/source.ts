/** Where frames come from. */

import { distance } from "./control.js";
import { framesOf, readFrame } from "./frame.js";
import type { Frame, NDArray, Parameters } from "./types.js";

/** Frames that were made before: one, or a book with one for each setting of its controls. */
export interface FrozenSource {
  readonly kind: "frozen";
  readonly frame: ArrayBuffer;
}

/** Frames that are computed for parameters, one answer a request. */
export interface LiveSource {
  readonly kind: "live";
  /** Returns the frame for parameters. */
  request(parameters: Parameters): Promise<ArrayBuffer>;
}

/** Frames that come when they are asked for, and by themselves when what they show has changed. */
export interface PushedSource {
  readonly kind: "pushed";
  /** Begins; nothing comes before the first `ask`. */
  open(hear: Hear): Channel;
}

/** Where frames come from. */
export type Source = FrozenSource | LiveSource | PushedSource;

/** What a picture does with what comes. */
export interface Hear {
  frame(frame: ArrayBuffer): void;
  failed(error: unknown): void;
}

/** A picture's line to its source. */
export interface Channel {
  /** Asks for the frame for parameters; the latest request wins. */
  ask(parameters: Parameters): void;
  /** Asks for an exact value; missing where nobody can be asked. */
  readonly exact?: (array: NDArray, index: readonly number[]) => Promise<number>;
  close(): void;
}

/** Opens a source. */
export function openSource(source: Source, hear: Hear): Channel {
  if (source.kind === "pushed") return source.open(hear);
  return latestWins(source.kind === "live" ? (parameters) => source.request(parameters) : turning(source.frame), hear);
}

/** Turns the pages of a book; a single frame answers everything. */
function turning(buffer: ArrayBuffer): LiveSource["request"] {
  const book = framesOf(buffer);
  let frames: readonly Frame[] | null = null;
  return async (parameters) => book[nearestFrame((frames ??= book.map(readFrame)), parameters)]!;
}

/**
 * Returns which frame was made for parameters, or for the nearest to them; a control weighs more than all behind it.
 *
 * @param frames - At least one; with their controls.
 * @param parameters - What is wanted; what is not named is as in the first frame.
 */
export function nearestFrame(frames: readonly Frame[], parameters: Parameters): number {
  const usual = Object.fromEntries(frames[0]!.controls.map(({ name, value }) => [name, value]));
  const wanted = { ...usual, ...parameters };
  const away = ({ controls }: Frame) =>
    controls.reduce((sum, control, place) => sum + distance(control, wanted[control.name]) * 2 ** -place, 0);
  const distances = frames.map(away);
  return distances.indexOf(Math.min(...distances));
}

/**
 * Asks a live source, one request at a time; what is asked meanwhile replaces what waits.
 *
 * @param request - Returns the frame for parameters.
 * @param hear - Hears every answer: while a slider is dragged, the picture follows.
 */
export function latestWins(request: LiveSource["request"], hear: Hear): Channel {
  let waiting: Parameters | null = null;
  let busy = false;
  let closed = false;
  const run = async () => {
    busy = true;
    while (waiting) {
      const parameters = waiting;
      waiting = null;
      try {
        const frame = await request(parameters);
        if (!closed) hear.frame(frame);
      } catch (error) {
        if (!closed) hear.failed(error);
      }
    }
    busy = false;
  };
  return {
    ask(parameters) {
      waiting = parameters;
      if (!busy) void run();
    },
    close() {
      closed = true;
      waiting = null;
    },
  };
}
