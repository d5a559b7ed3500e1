/** The key of a panel: names of colours and meanings of shades. */

import { GROUPS, limitsOf, type Page } from "./raster/colors.js";
import { themeOf, toneColour } from "./theme.js";
import type { Cloud, Mark, NDArray, Panel, Surface, Tone } from "./types.js";
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
  /** The ramp is that of lines, which must stand out from the paper. */
  readonly lines: boolean;
  /** The ramp is that of a veil over a picture. */
  readonly over: boolean;
}

const NAMED = { style: "solid", ends: [0, 1], signed: false, tint: false, lines: false, over: false } as const;

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

/** Roles of the first of several things of one kind; further ones take the colours of the later groups. */
const PLACES: readonly Tone[] = ["accent", "second", "third", "fourth", "fifth"];

/** Returns the colour of one of several things of one kind as "#rrggbb"; without a page, as CSS that follows it. */
export function placeColour(place: number, page?: Page): string {
  const tone = PLACES[place];
  const later = GROUPS.slice(PLACES.length);
  if (!tone) return later[(place - PLACES.length) % later.length]!;
  return page ? themeOf(page).tones[tone] : toneColour(tone);
}

/** Returns the entry of a path on a surface. */
export function pathEntry(mark: Surface, place: number): Entry {
  return named("line", plain(mark.names[place] ?? ""), placeColour(place));
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
    const paths = mark.kind === "surface" ? mark.names.slice(0, mark.paths.length).map((_, place) => pathEntry(mark, place)) : [];
    return ramp ? [ramp, ...paths] : paths;
  });
  return [...new Map(found.map((entry) => [entry.id, entry])).values()];
}

/** Returns the array that the colours of a mark stand for; null where they have no common scale. */
function colouredBy(mark: Mark): NDArray | null {
  if (mark.kind === "heat" || mark.kind === "tokens") return mark.values;
  if (mark.kind === "parallel") return mark.value;
  if (mark.kind === "surface") return mark.z;
  return mark.kind === "tiles" && mark.images.shape.length === 3 && mark.shared_scale ? mark.images : null;
}

/** Returns the colour bar of a mark; null when it needs none. */
export function rampOf(mark: Mark): Entry | null {
  const array = colouredBy(mark);
  const over = mark.kind === "heat" && !!mark.under;
  // A picture alone has no colours to explain.
  if (!array || (over && !mark.opacity) || (mark.kind === "tokens" && !mark.text.length)) return null;
  const { label, signed = false } = mark as { label: string; signed?: boolean };
  const ends = limitsOf(array.values, signed);
  const id = `ramp ${label} ${ends.join(" ")} ${signed}`;
  return { ...NAMED, form: "ramp", label: plain(label), colour: "", ends, signed, id, tint: mark.kind === "tokens", lines: mark.kind === "parallel", over };
}

/** Returns the entries that stand once above all panels: names of colours that two or more panels share. */
export function sharedEntries(panels: readonly Panel[]): Entry[] {
  const every = panels.map((panel) => entriesOf(panel).filter((entry) => entry.form !== "ramp"));
  if (every.filter((entries) => entries.length).length < 2) return [];
  const merged = [...new Map(every.flat().map((entry) => [entry.id, entry])).values()];
  const meanings = new Set(merged.map((entry) => `${entry.form} ${entry.colour} ${entry.style}`));
  return meanings.size === merged.length && merged.length <= 12 ? merged : [];
}
