/** Figure and its marks, as the Python side has them in core/figure/marks.py. */

/** How much a finding asks of the reader. */
export type Level = "ok" | "not-measured" | "look" | "warn" | "alarm";

/** Role of a colour. */
export type Tone =
  | "accent" | "second" | "third" | "fourth" | "fifth" | "faint"
  | "ok" | "look" | "warn" | "alarm" | "dead" | "sparse";

/** Numbers of one stored type. */
export type Numbers = Float32Array | Float64Array | Uint8Array | Uint16Array | Int32Array;

/** An array of any shape, row by row. */
export interface NDArray {
  readonly shape: readonly number[];
  readonly values: Numbers;
  /** Number of the array in its frame, by which an exact value is asked for. */
  readonly at?: number;
  /** True when the stored values are rounded to float16. */
  readonly rounded?: boolean;
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
  /** The picture that it lies over, [row, column] or [row, column, 3] from 0 to 1; the colours are then a veil. */
  readonly under?: NDArray | null;
  /** How dense the veil is, 0 to 1. */
  readonly opacity?: number;
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
  /** What each point stands for: [point, row, column], or with colours [point, row, column, 3]. */
  readonly images?: NDArray | null;
}

/** A height over a plane. */
export interface Surface {
  readonly kind: "surface";
  readonly x: NDArray;
  readonly y: NDArray;
  readonly z: NDArray;
  /** Each [point, 3]. */
  readonly paths: readonly NDArray[];
  /** One a path, or none. */
  readonly names: readonly string[];
  readonly label: string;
}

/** Rows of numbers across several axes, each a line. */
export interface Parallel {
  readonly kind: "parallel";
  readonly axes: readonly Axis[];
  /** [row, axis]; NaN where it is missing. */
  readonly rows: NDArray;
  /** One a row. */
  readonly names: readonly string[];
  /** What colours each row. */
  readonly value: NDArray | null;
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
export type Mark = Bars | Lines | Heat | Tiles | Cloud | Surface | Parallel | Tokens | Table | Event;

/** One frame with its axes. */
export interface Panel {
  readonly title: string;
  readonly marks: readonly Mark[];
  readonly x: Axis;
  readonly y: Axis;
  readonly note: string;
  readonly level: Level;
  /** Takes the whole width of its figure. */
  readonly wide: boolean;
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
export type Parameter = number | string | boolean | readonly string[];

/** Parameters of a view by name. */
export type Parameters = Readonly<Record<string, Parameter>>;

interface ControlText {
  readonly name: string;
  readonly label: string;
  readonly help: string;
}

/** A number between two others. */
export interface RangeControl extends ControlText {
  readonly kind: "range";
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** Even steps of the slider multiply the value. */
  readonly log: boolean;
  readonly unit: string;
  readonly value: number;
  /** A click on the plane of a picture sets it to the place on that axis. */
  readonly picks: "x" | "y" | null;
  /** The only values that can be chosen. */
  readonly stops: readonly number[] | null;
  /** Only whole numbers. */
  readonly whole: boolean;
}

/** A small picture that a reader draws; `value` is as in ink.ts. */
export interface PadControl extends ControlText {
  readonly kind: "sketch";
  readonly rows: number;
  readonly columns: number;
  readonly value: string;
}

/** Something that can be set, as it is now. */
export type Control =
  | RangeControl
  | PadControl
  | (ControlText & { readonly kind: "choice"; readonly options: readonly string[]; readonly value: string })
  | (ControlText & { readonly kind: "several"; readonly options: readonly string[]; readonly value: readonly string[] })
  | (ControlText & { readonly kind: "toggle"; readonly value: boolean });

/** What one message carries: a figure, and the view and the parameters that made it. */
export interface Frame {
  readonly view: string;
  readonly parameters: Parameters;
  readonly controls: readonly Control[];
  /** True when the figure holds only what is to be added to the one that is shown. */
  readonly append: boolean;
  readonly figure: Figure;
}
