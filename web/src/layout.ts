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
  readonly side: number;
  readonly lanes: number;
  readonly xTitle: string;
  readonly yTitle: string;
}

/** How a figure is laid out. */
export interface Layout {
  readonly across: number;
  /** Width of a panel. */
  readonly width: number;
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
  const width = Math.floor((room - ACROSS * (across - 1)) / across);
  const common = sharedEntries(figure.panels);
  const drafts = figure.panels.map((panel) => draftOf(panel, width, across, measure));
  const most = (of: "left" | "side") =>
    Array.from({ length: across }, (_, column) =>
      Math.max(0, ...drafts.filter((_, place) => place % across === column).map((draft) => draft?.[of] ?? 0)),
    );
  const lefts = most("left");
  // Frames over the same places end on one line as well.
  const sides = new Set(figure.panels.map(({ x }) => axisWords(x))).size === 1 ? most("side") : null;
  const plans = figure.panels.map((panel, place) => {
    const draft = drafts[place]!;
    const left = lefts[place % across]!;
    const side = sides?.[place % across] ?? draft?.side ?? 0;
    return {
      panel,
      key: entriesOf(panel).filter((entry) => !common.some((one) => one.id === entry.id)),
      frame: draft && { ...finished({ ...draft, side }, panel, width, left, measure), ...titlesOf(figure, place, across) },
      blocks: panel.marks.filter((mark) => !isFramed(mark) && mark.kind !== "event"),
    };
  });
  return { across, width, common, plans };
}

type Draft = { extent: Extent; height: number; left: number; side: number };

function draftOf(panel: Panel, width: number, across: number, measure: Measure): Draft | null {
  if (!panel.marks.some(isFramed)) return null;
  const side = sideOf(panel, width, measure);
  const height = heightOf(panel, width - side - 40, across);
  let extent = extentOf(panel);
  const { left } = rulersOf(panel, extent, width - side, height, measure);
  if (isMap(panel)) extent = evened(extent, width - side - left, height);
  return { extent, height, side, left: Math.max(left, rulersOf(panel, extent, width - side, height, measure).left) };
}

function finished(draft: Draft, panel: Panel, width: number, left: number, measure: Measure): Omit<FramePlan, "xTitle" | "yTitle"> {
  const inner = Math.max(width - draft.side - left - 1, 10);
  const labels = draft.extent.empty ? [] : labelsOf(panel, draft.extent.x, inner, measure);
  return { ...draft, left, width: inner, lanes: lanes(labels) };
}

/** Titles that all panels share stand only at the left and at the bottom. */
function titlesOf(figure: Figure, place: number, across: number): Pick<FramePlan, "xTitle" | "yTitle"> {
  const { panels } = figure;
  const same = (axis: "x" | "y") => new Set(panels.map((one) => axisWords(one[axis]))).size === 1;
  const last = place + across >= panels.length;
  const panel = panels[place]!;
  return {
    xTitle: last || !same("x") ? axisWords(panel.x) : "",
    yTitle: place % across === 0 || !same("y") ? axisWords(panel.y) : "",
  };
}
