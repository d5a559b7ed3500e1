/** The layout of a figure: how many panels stand side by side, and what each needs around its frame. */

import { evened, extentOf, isFramed, isMap, type Extent } from "./extent.js";
import { entriesOf, sharedEntries, type Entry } from "./key.js";
import { labelsOf, lanes, sideOf } from "./labels.js";
import type { Measure } from "./measure.js";
import { heightOf, rulersOf } from "./rulers.js";
import { axisWords } from "./scale.js";
import type { Figure, Mark, Panel } from "./types.js";

/** How one panel is laid out; lengths in pixels. */
export interface Plan {
  readonly panel: Panel;
  readonly width: number;
  /** Stands in a row of its own. */
  readonly wide: boolean;
  /** Entries of the key that are not shared by the whole figure. */
  readonly key: readonly Entry[];
  /** The frame with the axes; null without one. */
  readonly frame: FramePlan | null;
  /** Marks that stand below the frame. */
  readonly blocks: readonly Mark[];
}

/** The frame of a panel. */
export interface FramePlan {
  readonly extent: Extent;
  /** Width of the frame without what stands beside it. */
  readonly width: number;
  readonly height: number;
  readonly left: number;
  /** Room at the right, for the names of limits and for half of the last label below. */
  readonly right: number;
  readonly side: number;
  readonly lanes: number;
  readonly xTitle: string;
  readonly yTitle: string;
}

/** How a figure is laid out. */
export interface Layout {
  readonly across: number;
  readonly common: readonly Entry[];
  readonly plans: readonly Plan[];
}

/** Room between two panels, pixels. */
export const ACROSS = 28;
const LEAST = 205;

/** Returns how many panels fit side by side. */
export function acrossOf(figure: Figure, room: number): number {
  const wished = Math.max(1, Math.min(figure.columns, figure.panels.length));
  return Math.max(1, Math.min(wished, Math.floor((room + ACROSS) / (LEAST + ACROSS))));
}

/** Where a panel stands: in which column, whether alone in its row, and whether others follow below in its column. */
interface Seat {
  readonly column: number;
  readonly wide: boolean;
  readonly lowest: boolean;
}

/** Seats panels in rows, in reading order; a wide panel has a row of its own. As `rows_of_panels` in Python. */
export function seatsOf(panels: readonly Panel[], across: number): Seat[] {
  let next = 0;
  const seats = panels.map(({ wide }, place) => {
    const alone = wide && across > 1;
    const column = alone || panels[place - 1]?.wide ? 0 : next % across;
    next = alone ? 0 : column + 1;
    return { column, wide: alone };
  });
  const below = (one: (typeof seats)[number], place: number) =>
    seats.slice(place + 1).some(({ column, wide }) => column === one.column && wide === one.wide);
  return seats.map((seat, place) => ({ ...seat, lowest: !below(seat, place) }));
}

/**
 * Lays a figure out.
 *
 * @param figure - What to draw.
 * @param room - Width there is, pixels.
 * @param measure - Widths of text.
 * @returns The plan of each panel; frames of one column begin on one line.
 */
export function layoutOf(figure: Figure, room: number, measure: Measure): Layout {
  const across = acrossOf(figure, room);
  const narrow = Math.floor((room - ACROSS * (across - 1)) / across);
  const seats = seatsOf(figure.panels, across);
  const widths = seats.map(({ wide }) => (wide ? room : narrow));
  const common = sharedEntries(figure.panels);
  const drafts = figure.panels.map((panel, place) => draftOf(panel, widths[place]!, seats[place]!.wide ? 1 : across, measure));
  const most = (of: "left" | "right" | "side", seat: Seat) =>
    Math.max(0, ...drafts.filter((_, place) => seats[place]!.column === seat.column && seats[place]!.wide === seat.wide).map((draft) => draft?.[of] ?? 0));
  // Frames over the same places end on one line as well.
  const same = (axis: "x" | "y") => new Set(figure.panels.map((one) => axisWords(one[axis]))).size === 1;
  const [sameX, sameY] = [same("x"), same("y")];
  const plans = figure.panels.map((panel, place) => {
    const [draft, seat, width] = [drafts[place], seats[place]!, widths[place]!];
    const side = (sameX && most("side", seat)) || draft?.side || 0;
    // Titles that all panels share stand only at the left and at the bottom.
    const titles = { xTitle: seat.lowest || !sameX ? axisWords(panel.x) : "", yTitle: !seat.column || !sameY ? axisWords(panel.y) : "" };
    return {
      panel, width, wide: seat.wide,
      key: entriesOf(panel).filter((entry) => !common.some((one) => one.id === entry.id)),
      frame: draft ? { ...finished({ ...draft, side, left: most("left", seat), right: Math.max(side, most("right", seat)) }, panel, width, measure), ...titles } : null,
      blocks: panel.marks.filter((mark) => !isFramed(mark) && mark.kind !== "event"),
    };
  });
  return { across, common, plans };
}

type Draft = Pick<FramePlan, "extent" | "height" | "left" | "right" | "side">;

function draftOf(panel: Panel, width: number, across: number, measure: Measure): Draft | null {
  if (!panel.marks.some(isFramed)) return null;
  const side = sideOf(panel, width, measure);
  const height = heightOf(panel, width - side - 40, across);
  let extent = extentOf(panel);
  const rulers = (of: Extent) => rulersOf(panel, of, width - side, height, measure);
  const { left, right } = rulers(extent);
  if (isMap(panel)) extent = evened(extent, width - Math.max(side, right) - left, height);
  return { extent, height, side, right, left: Math.max(left, rulers(extent).left) };
}

function finished(draft: Draft, panel: Panel, width: number, measure: Measure): Omit<FramePlan, "xTitle" | "yTitle"> {
  const inner = Math.max(width - draft.right - draft.left - 1, 10);
  const labels = draft.extent.empty ? [] : labelsOf(panel, draft.extent.x, inner, measure);
  return { ...draft, width: inner, lanes: lanes(labels) };
}
