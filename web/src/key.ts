/** The key of a panel: names of colours and meanings of shades. */

import { colourLimits, GROUPS } from "./raster/colors.js";
import { toneColour } from "./theme.js";
import type { Cloud, Mark, Panel } from "./types.js";
import { plain } from "./words.js";

/** One entry: the name of a colour, or the meaning of a range of colours. */
export interface Entry {
  /** Equal for entries that mean the same. */
  readonly id: string;
  readonly label: string;
  readonly form: "box" | "line" | "dot" | "ramp";
  /** CSS colour; "" for a ramp. */
  readonly colour: string;
  readonly style: "solid" | "dashed" | "dotted";
  /** Values at the two ends of a ramp. */
  readonly ends: readonly [number, number];
  readonly signed: boolean;
  /** The ramp is that of shaded text, from clear to full. */
  readonly tint: boolean;
}

const NAMED = { style: "solid", ends: [0, 1], signed: false, tint: false } as const;

/** Returns the entry under which a bar or line mark stands in the key; null when it has no name. */
export function entryOf(mark: Mark): Entry | null {
  if (mark.kind === "bars" && mark.label) return named("box", plain(mark.label), toneColour(mark.tone));
  if (mark.kind === "lines" && mark.label) {
    const entry = named(mark.fill ? "box" : "line", plain(mark.label), toneColour(mark.tone));
    return { ...entry, style: mark.style, id: `${entry.id} ${mark.style}` };
  }
  return null;
}

/** Returns the entry of a group of points. */
export function groupEntry(mark: Cloud, group: number): Entry {
  return named("dot", plain(mark.names[group] ?? String(group)), GROUPS[group % GROUPS.length]!);
}

function named(form: Entry["form"], label: string, colour: string): Entry {
  return { ...NAMED, form, label, colour, id: `${form} ${colour} ${label}` };
}

/** Returns the entries that the marks of a panel need, without doubles. */
export function entriesOf(panel: Panel): Entry[] {
  const found = panel.marks.flatMap((mark) => {
    const entry = entryOf(mark);
    if (entry) return [entry];
    if (mark.kind === "cloud") return mark.names.slice(0, 2 * GROUPS.length).map((_, group) => groupEntry(mark, group));
    const ramp = rampOf(mark);
    return ramp ? [ramp] : [];
  });
  return [...new Map(found.map((entry) => [entry.id, entry])).values()];
}

/** Returns the colour bar of a mark; null when it needs none. */
export function rampOf(mark: Mark): Entry | null {
  if (mark.kind === "heat") return ramp(mark.label, colourLimits(mark.values.values, mark.signed), mark.signed);
  if (mark.kind === "surface") return ramp(mark.label, colourLimits(mark.z.values, false), false);
  if (mark.kind === "tiles" && mark.images.shape.length === 3 && mark.shared_scale) {
    return ramp(mark.label, colourLimits(mark.images.values, mark.signed), mark.signed);
  }
  if (mark.kind === "tokens" && mark.text.length) {
    return { ...ramp(mark.label, colourLimits(mark.values.values, mark.signed), mark.signed), tint: true };
  }
  return null;
}

function ramp(label: string, ends: readonly [number, number], signed: boolean): Entry {
  const id = `ramp ${label} ${ends.join(" ")} ${signed}`;
  return { ...NAMED, form: "ramp", label: plain(label), colour: "", ends, signed, id };
}

/** Returns the entries that stand once above all panels: names of colours that two or more panels share. */
export function sharedEntries(panels: readonly Panel[]): Entry[] {
  const every = panels.map((panel) => entriesOf(panel).filter((entry) => entry.form !== "ramp"));
  if (every.filter((entries) => entries.length).length < 2) return [];
  const merged = [...new Map(every.flat().map((entry) => [entry.id, entry])).values()];
  const meanings = new Set(merged.map((entry) => `${entry.form} ${entry.colour} ${entry.style}`));
  return meanings.size === merged.length && merged.length <= 12 ? merged : [];
}
