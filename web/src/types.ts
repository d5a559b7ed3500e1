/** Figure and its marks, as the Python side has them in core/figure/marks.py. */

/** How much a finding asks of the reader. */
export type Level = "ok" | "not-measured" | "look" | "warn" | "alarm";

/** Role of a colour. */
export type Tone =
  | "accent" | "second" | "third" | "fourth" | "faint"
  | "ok" | "look" | "warn" | "alarm" | "dead" | "sparse";

/** Numbers of one stored type. */
export type Numbers = Float32Array | Float64Array | Uint8Array | Uint16Array | Int32Array;

/** An array of any shape, row by row. */
export interface NDArray {
  readonly shape: readonly number[];
  readonly values: Numbers;
}

/** One axis of a panel; see `Axis` in Python. */
export interface Axis {
  readonly label: string;
  readonly unit: string;
  readonly scale: "linear" | "log" | "symlog";
  readonly threshold: number;
  readonly limits: readonly [number, number] | null;
  readonly categories: readonly string[];
}

/** A histogram, or bars of unequal width. */
export interface Bars {
  readonly kind: "bars";
  readonly edges: NDArray;
  readonly heights: NDArray;
  readonly base: NDArray | null;
  readonly label: string;
  readonly tone: Tone;
}

/** One curve. */
export interface Lines {
  readonly kind: "lines";
  readonly x: NDArray;
  readonly y: NDArray;
  readonly low: NDArray | null;
  readonly high: NDArray | null;
  readonly fill: boolean;
  readonly label: string;
  readonly tone: Tone;
  readonly style: "solid" | "dashed" | "dotted";
  readonly dots: boolean;
}

/** A matrix of values as colours. */
export interface Heat {
  readonly kind: "heat";
  readonly values: NDArray;
  readonly x: NDArray | null;
  readonly y: NDArray | null;
  readonly signed: boolean;
  readonly label: string;
  readonly origin: "upper" | "lower";
}

/** Many small images. */
export interface Tiles {
  readonly kind: "tiles";
  readonly images: NDArray;
  readonly titles: readonly string[];
  readonly signed: boolean;
  readonly shared_scale: boolean;
  readonly label: string;
}

/** Points in two or three dimensions. */
export interface Cloud {
  readonly kind: "cloud";
  readonly points: NDArray;
  readonly group: NDArray | null;
  readonly names: readonly string[];
}

/** A height over a plane. */
export interface Surface {
  readonly kind: "surface";
  readonly x: NDArray;
  readonly y: NDArray;
  readonly z: NDArray;
  readonly path: NDArray | null;
  readonly label: string;
}

/** Text shaded by a value a token. */
export interface Tokens {
  readonly kind: "tokens";
  readonly text: readonly string[];
  readonly values: NDArray;
  readonly signed: boolean;
  readonly label: string;
}

/** Rows of text. */
export interface Table {
  readonly kind: "table";
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Something that happened at a place on the x axis, or a limit on the y axis. */
export interface Event {
  readonly kind: "event";
  readonly at: number;
  readonly text: string;
  readonly level: Level;
  readonly axis: "x" | "y";
}

/** Anything that a panel draws. */
export type Mark = Bars | Lines | Heat | Tiles | Cloud | Surface | Tokens | Table | Event;

/** One frame with its axes. */
export interface Panel {
  readonly title: string;
  readonly marks: readonly Mark[];
  readonly x: Axis;
  readonly y: Axis;
  readonly note: string;
  readonly level: Level;
}

/** A picture as plain data. */
export interface Figure {
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly columns: number;
  readonly verdict: string;
  readonly level: Level;
  readonly caveat: string;
  readonly alt: string;
}

/** A value of a parameter of a view. */
export type Parameter = number | string | boolean;

/** What one message carries: a figure, and the view and the parameters that made it. */
export interface Frame {
  readonly view: string;
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly figure: Figure;
}
