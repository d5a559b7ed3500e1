/** Turns the header of a frame into a figure, and refuses what is not one. */

import type { Axis, Figure, Level, Mark, NDArray, Panel } from "./types.js";

type Refuse = (message: string) => Error;
type Plain = Record<string, unknown>;
/** What a field holds: an array of so many dimensions (a "?" allows none), texts, and so on. */
type Form = "text" | "texts" | "rows" | "flag" | "number" | `array${string}` | readonly string[];

const LEVELS = ["ok", "not-measured", "look", "warn", "alarm"] as const;
const TONES = ["accent", "second", "third", "fourth", "faint", "ok", "look", "warn", "alarm", "dead", "sparse"];
const SCALES = ["linear", "log", "symlog"] as const;

const FORMS: Record<Mark["kind"], Record<string, Form>> = {
  bars: { edges: "array1", heights: "array1", base: "array1?", label: "text", tone: TONES },
  lines: {
    x: "array1", y: "array1", low: "array1?", high: "array1?", fill: "flag", label: "text", tone: TONES,
    style: ["solid", "dashed", "dotted"], dots: "flag",
  },
  heat: {
    values: "array2", x: "array1?", y: "array1?", signed: "flag", label: "text", origin: ["upper", "lower"],
  },
  tiles: { images: "array34", titles: "texts", signed: "flag", shared_scale: "flag", label: "text" },
  cloud: { points: "array2", group: "array1?", names: "texts" },
  surface: { x: "array1", y: "array1", z: "array2", path: "array2?", label: "text" },
  tokens: { text: "texts", values: "array1", signed: "flag", label: "text" },
  table: { columns: "texts", rows: "rows" },
  event: { at: "number", text: "text", level: LEVELS, axis: ["x", "y"] },
};

/**
 * Reads the figure of a header.
 *
 * @param raw - `figure` of the header.
 * @param arrays - The arrays of the frame, to which marks refer by number.
 * @param refuse - Makes the error that is thrown.
 * @returns The figure; every field has the type that types.ts promises.
 */
export function readFigure(raw: unknown, arrays: readonly NDArray[], refuse: Refuse): Figure {
  const plain = objectOf(raw, "The figure", refuse);
  const panels = listOf(plain.panels, "The panels of the figure", refuse);
  return {
    title: textOf(plain.title),
    panels: panels.map((panel, place) => panelOf(panel, `Panel ${place}`, arrays, refuse)),
    columns: Math.max(1, Math.round(Number(plain.columns)) || 1),
    verdict: textOf(plain.verdict),
    level: levelOf(plain.level),
    caveat: textOf(plain.caveat),
    alt: textOf(plain.alt),
  };
}

function panelOf(raw: unknown, name: string, arrays: readonly NDArray[], refuse: Refuse): Panel {
  const plain = objectOf(raw, name, refuse);
  const marks = listOf(plain.marks, `The marks of ${name}`, refuse);
  return {
    title: textOf(plain.title),
    marks: marks.map((mark, place) => markOf(mark, `Mark ${place} of ${name}`, arrays, refuse)),
    x: axisOf(plain.x, `The x axis of ${name}`, refuse),
    y: axisOf(plain.y, `The y axis of ${name}`, refuse),
    note: textOf(plain.note),
    level: levelOf(plain.level),
  };
}

function axisOf(raw: unknown, name: string, refuse: Refuse): Axis {
  const plain = objectOf(raw ?? {}, name, refuse);
  const limits = plain.limits;
  const pair = Array.isArray(limits) && limits.length === 2 && limits.every(Number.isFinite);
  const scale = plain.scale ?? "linear";
  if (!SCALES.includes(scale as Axis["scale"])) {
    throw refuse(`${name} has scale ${JSON.stringify(scale)}, expected one of ${SCALES.join(", ")}.`);
  }
  const threshold = Number(plain.threshold ?? 1);
  return {
    label: textOf(plain.label),
    unit: textOf(plain.unit),
    scale: scale as Axis["scale"],
    threshold: threshold > 0 ? threshold : 1,
    limits: pair ? (limits as unknown as [number, number]) : null,
    categories: Array.isArray(plain.categories) ? plain.categories.map(textOf) : [],
  };
}

function markOf(raw: unknown, name: string, arrays: readonly NDArray[], refuse: Refuse): Mark {
  const plain = objectOf(raw, name, refuse);
  const kind = String(plain.kind);
  const forms = Object.hasOwn(FORMS, kind) ? FORMS[kind as Mark["kind"]] : null;
  if (!forms) throw refuse(`${name} is ${JSON.stringify(plain.kind)}, expected one of ${Object.keys(FORMS).join(", ")}.`);
  const read = Object.entries(forms).map(([field, form]) => {
    const where = `The field "${field}" of ${name} (${kind})`;
    return [field, fieldOf(plain[field], form, where, arrays, refuse)];
  });
  const mark = { kind, ...Object.fromEntries(read) } as Mark;
  const misfit = misfitOf(mark);
  if (misfit) throw refuse(`${name} (${kind}) does not fit: ${misfit}.`);
  return mark;
}

function fieldOf(value: unknown, form: Form, where: string, arrays: readonly NDArray[], refuse: Refuse): unknown {
  if (form === "text") return textOf(value);
  if (form === "flag") return value === true;
  if (form === "texts") return Array.isArray(value) ? value.map(textOf) : [];
  if (form === "rows") return Array.isArray(value) ? value.map((row) => (Array.isArray(row) ? row.map(textOf) : [])) : [];
  if (form === "number") {
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw refuse(`${where} is ${JSON.stringify(value)}, expected a finite number.`);
  }
  if (typeof form !== "string") {
    if (form.includes(value as string)) return value;
    throw refuse(`${where} is ${JSON.stringify(value)}, expected one of ${form.join(", ")}.`);
  }
  return arrayField(value, form, where, arrays, refuse);
}

function arrayField(value: unknown, form: string, where: string, arrays: readonly NDArray[], refuse: Refuse): unknown {
  if (value == null && form.endsWith("?")) return null;
  const place = (value as { $?: unknown } | null)?.$;
  const array = typeof place === "number" ? arrays[place] : undefined;
  if (!array) throw refuse(`${where} is ${JSON.stringify(value)}, expected {"$": 0 to ${arrays.length - 1}}.`);
  const allowed = form.replace(/[^\d]/g, "");
  if (allowed.includes(String(array.shape.length))) return array;
  throw refuse(`${where} has shape [${array.shape.join(", ")}], expected ${[...allowed].join(" or ")} dimensions.`);
}

/** Says which lengths of a mark contradict each other; "" when all fit. */
function misfitOf(mark: Mark): string {
  const length = (array: NDArray | null) => array?.shape[0] ?? null;
  const unequal = (expected: number, named: Record<string, NDArray | null>) => {
    const bad = Object.entries(named).find(([, array]) => array && length(array) !== expected);
    return bad ? `${bad[0]} has ${length(bad[1])} entries, expected ${expected}` : "";
  };
  if (mark.kind === "bars") {
    const bars = length(mark.heights)!;
    return unequal(bars + 1, { edges: mark.edges }) || unequal(bars, { base: mark.base });
  }
  if (mark.kind === "lines") return unequal(length(mark.x)!, { y: mark.y, low: mark.low, high: mark.high });
  if (mark.kind === "heat") {
    const [rows, columns] = mark.values.shape as [number, number];
    return unequal(columns + 1, { x: mark.x }) || unequal(rows + 1, { y: mark.y });
  }
  if (mark.kind === "surface") {
    const [rows, columns] = mark.z.shape as [number, number];
    const bent = mark.path && mark.path.shape[1] !== 3 ? `path has ${mark.path.shape[1]} columns, expected 3` : "";
    return unequal(columns, { x: mark.x }) || unequal(rows, { y: mark.y }) || bent;
  }
  if (mark.kind === "cloud") return unequal(length(mark.points)!, { group: mark.group }) || flat(mark.points);
  if (mark.kind === "tiles" && mark.images.shape.length === 4 && mark.images.shape[3] !== 3) {
    return `images have ${mark.images.shape[3]} colours, expected 3`;
  }
  return "";
}

function flat(points: NDArray): string {
  const across = points.shape[1]!;
  return across === 2 || across === 3 || !points.shape[0] ? "" : `points have ${across} columns, expected 2 or 3`;
}

function objectOf(value: unknown, name: string, refuse: Refuse): Plain {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Plain;
  throw refuse(`${name} is ${JSON.stringify(value) ?? "missing"}, expected an object.`);
}

function listOf(value: unknown, name: string, refuse: Refuse): unknown[] {
  if (Array.isArray(value)) return value;
  throw refuse(`${name} are ${JSON.stringify(value) ?? "missing"}, expected a list.`);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function levelOf(value: unknown): Level {
  return LEVELS.includes(value as Level) ? (value as Level) : "ok";
}
