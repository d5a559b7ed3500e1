/** How wide text is on this page. */

/** Returns the width of a line of text in pixels. */
export type Measure = (text: string, size: number, bold?: boolean) => number;

/** Letters of the picture: those of the page's own system. */
export const FONT = 'system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif';

/** Sizes of letters in pixels. */
export const SIZE = { title: 20, verdict: 14, panel: 13.5, note: 12, small: 11 } as const;

/** Returns a measure that asks the browser, and remembers the answers. */
export function browserMeasure(): Measure {
  const context = document.createElement("canvas").getContext("2d");
  const known = new Map<string, number>();
  return (text, size, bold = false) => {
    const name = `${size}${bold ? "b" : ""} ${text}`;
    let width = known.get(name);
    if (width === undefined) {
      if (context) context.font = `${bold ? 600 : 400} ${size}px ${FONT}`;
      width = context ? context.measureText(text).width : text.length * size * 0.6;
      if (known.size > 20000) known.clear();
      known.set(name, width);
    }
    return width;
  };
}

/** Returns the text cut to `room` pixels in its middle, where "…" stands: names often differ at their ends. */
export function clip(text: string, size: number, room: number, measure: Measure): string {
  let short = text;
  for (let kept = text.length - 1; kept >= 0 && measure(short, size) > room; kept--) {
    short = `${text.slice(0, (kept + 1) >> 1).trimEnd()}…${text.slice(text.length - (kept >> 1)).trimStart()}`;
  }
  return short;
}

/** Breaks a text into lines of at most `room` pixels. */
export function broken(text: string, size: number, room: number, measure: Measure): string[] {
  const lines: string[] = [];
  let current = "";
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = current ? `${current} ${word}` : word;
    if (current && measure(longer, size) > room) {
      lines.push(current);
      current = word;
    } else current = longer;
  }
  if (current) lines.push(current);
  return lines.map((line) => clip(line, size, room, measure));
}
