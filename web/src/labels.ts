/** Labels of events: placed so that no label covers another or is crossed by the line of another. */

import { eventsOn } from "./extent.js";
import { clip, SIZE, type Measure } from "./measure.js";
import { project, type Span } from "./scale.js";
import type { Event, Level, Panel } from "./types.js";
import { LEVEL_SYMBOLS, plain } from "./words.js";

/** Height of a row of labels, pixels. */
export const LANE = 14;
const MOST_LANES = 7;

/** A placed label of an event on the x axis; lengths in pixels from the left side of the frame. */
export interface Label {
  readonly event: Event;
  readonly words: string;
  readonly place: number;
  readonly start: number;
  readonly length: number;
  /** Row above the frame, 0 the lowest; -1 when there was no room for the text. */
  readonly lane: number;
}

/** Returns the words of an event with the symbol of its level. */
export function eventWords(event: { level: Level; text: string }): string {
  const text = plain(event.text);
  return event.level === "ok" ? text : `${LEVEL_SYMBOLS[event.level]} ${text}`.trim();
}

/**
 * Places the labels of the events on the x axis of a frame.
 *
 * A label stands right of its line; near the right side of the frame, left of it. A label through which the line
 * of another event would pass moves above that event's label, where its line no longer reaches.
 *
 * @param panel - Whose events.
 * @param span - What is in view, projected.
 * @param width - Width of the frame, pixels.
 * @param measure - Widths of text.
 * @param most - Rows at the most.
 */
export function labelsOf(panel: Panel, span: Span, width: number, measure: Measure, most = MOST_LANES): Label[] {
  const events = eventsOn(panel, "x");
  const placed: Label[] = [];
  for (const event of [...events].sort((one, other) => other.at - one.at)) {
    const place = ((project(panel.x, event.at) - span[0]) / (span[1] - span[0])) * width;
    if (place >= -1e-6 && place <= width + 1e-6) placed.push(besideItsLine(event, place, width, placed, measure));
  }
  return inLanes(placed, most);
}

function besideItsLine(event: Event, place: number, width: number, right: Label[], measure: Measure): Label {
  let words = clip(eventWords(event), SIZE.small, Math.max(0.6 * width, 54), measure);
  let length = measure(words, SIZE.small);
  if (place + 4 + length > width) {
    return { event, words, place, start: Math.max(place - 4 - length, 0), length, lane: 0 };
  }
  const ends = right.filter((one) => one.start - 3 <= place && place < one.place && one.place <= place + 7 + length);
  if (ends.length) {
    words = clip(words, SIZE.small, Math.min(...ends.map((one) => one.place)) - place - 11, measure);
    length = measure(words, SIZE.small);
  }
  return { event, words, place, start: place + 4, length, lane: 0 };
}

function inLanes(labels: Label[], most: number): Label[] {
  // A label left of its line goes above those to its left, the others above those to their right.
  const turned = labels.filter((label) => label.start < label.place).reverse();
  const placed: Label[] = [];
  for (const label of [...turned, ...labels.filter((one) => one.start >= one.place)]) {
    let lane = 0;
    while (lane < most && !isFree(label, lane, placed)) lane++;
    placed.push({ ...label, lane: lane < most ? lane : -1 });
  }
  return placed;
}

function isFree(label: Label, lane: number, placed: Label[]): boolean {
  // The line of a label reaches from the frame up to its own lane.
  return placed.every((other) => {
    const apart = endOf(label) + 7 <= other.start || endOf(other) + 7 <= label.start;
    if (other.lane === lane && !apart) return false;
    if (other.lane >= lane && covers(label, other.place)) return false;
    return !(other.lane >= 0 && other.lane <= lane && covers(other, label.place));
  });
}

function covers(label: Label, place: number): boolean {
  return label.start - 3 <= place && place <= endOf(label) + 3;
}

function endOf(label: Label): number {
  return label.start + label.length;
}

/** Returns how many rows the labels take, with one for the number of those that found no room. */
export function lanes(labels: readonly Label[]): number {
  const highest = Math.max(-1, ...labels.map((label) => label.lane));
  return highest + 1 + Number(labels.some((label) => label.lane < 0));
}

/** Returns the room at the right of a frame for the names of its limit lines. */
export function sideOf(panel: Panel, width: number, measure: Measure): number {
  const limits = eventsOn(panel, "y").filter(({ text }) => text);
  if (!limits.length || width < 460) return 0;
  return Math.min(Math.max(...limits.map((one) => measure(eventWords(one), SIZE.small))) + 9, 128);
}
