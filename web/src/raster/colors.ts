/** Colours of values: tables from a share of the scale to a packed pixel, and the limits of that scale. */

/** Numbers as they come in a frame. */
export type Values = Float32Array | Float64Array | Uint8Array | Uint16Array | Int32Array;

/** Which page the picture lies on. */
export type Page = "light" | "dark";

/** Entries of a colour table; odd, so that the middle entry is exactly the neutral colour. */
export const TABLE_SIZE = 1025;

/**
 * Anchors of the maps. Those of the light page are the anchors of the static pictures. On a dark page the
 * smallest magnitude is lifted off the paper, so that it is not taken for a blank, and 0 is a dark grey
 * instead of a glaring white.
 */
const ANCHORS = {
  sequential: {
    light: ["#12182f", "#26376e", "#2a6795", "#36988f", "#88c785", "#f6f0c4"],
    dark: ["#252c55", "#2e4684", "#2f719e", "#3b9f94", "#8ccb88", "#f8f2c8"],
  },
  diverging: {
    light: ["#0c3a70", "#2f78b7", "#93c0e0", "#f6f4f1", "#f2ab90", "#cb4a3e", "#7c1023"],
    dark: ["#b4dcff", "#5ea6e2", "#31608c", "#2b2e34", "#8b4536", "#e27560", "#ffc9b8"],
  },
} as const;

/** Colours of the groups of a cloud: at least 3 : 1 on the light and on the dark paper. */
export const GROUPS = [
  "#2f78c4", "#d1600f", "#12917f", "#b8569f", "#8d7a16", "#7565d6", "#cf4b55", "#5a8a2f", "#2f8fae", "#9a7464",
] as const;

const made = new Map<string, Uint32Array>();

/**
 * Return the colours of a scale.
 *
 * @param signed Diverging colours (blue below 0, red above) instead of one rise in lightness.
 * @param page Which page the picture lies on.
 * @returns [TABLE_SIZE] packed pixels from the low to the high end; shared, not to be written to.
 *
 * Cost: 1 ms at the first call for each of the four, then nothing.
 */
export function colourTable(signed: boolean, page: Page): Uint32Array {
  const kind = signed ? "diverging" : "sequential";
  const name = `${kind} ${page}`;
  const known = made.get(name);
  if (known !== undefined) return known;
  const table = ramp(ANCHORS[kind][page], TABLE_SIZE);
  made.set(name, table);
  return table;
}

/**
 * Return the colours of groups as packed pixels.
 *
 * @param count How many; beyond the tenth the colours begin anew.
 * @returns [count].
 */
export function groupColours(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, place) => packed(GROUPS[place % GROUPS.length] ?? GROUPS[0]));
}

/**
 * Return a colour as a pixel of an ImageData seen as Uint32Array (little-endian: opacity, blue, green, red).
 *
 * @param colour "#rrggbb".
 * @param opacity 0 to 255.
 */
export function packed(colour: string, opacity = 255): number {
  const number = parseInt(colour.slice(1), 16);
  return ((opacity << 24) | ((number & 255) << 16) | (number & 0xff00) | (number >> 16)) >>> 0;
}

/**
 * Return the colour of one value, for a legend or a swatch.
 *
 * @param table From `colourTable`.
 * @param value Any number; NaN is transparent, infinities take the colours of the ends.
 * @param lo Value of the first colour.
 * @param hi Value of the last colour.
 * @returns A packed pixel.
 */
export function colourOf(table: Uint32Array, value: number, lo: number, hi: number): number {
  if (Number.isNaN(value)) return 0;
  return table[Math.max(0, Math.min(TABLE_SIZE - 1, (value / 2 - lo / 2) * tableSteps(lo, hi) + 0.5)) | 0] ?? 0;
}

/** Return the entries of a table per half unit of value; halves, so that the span of large values stays finite. */
export function tableSteps(lo: number, hi: number): number {
  return hi > lo ? (TABLE_SIZE - 1) / (hi / 2 - lo / 2) : 0;
}

/**
 * Return the values at the two ends of the colours, by the same rule as the static pictures.
 *
 * @param values Any numbers; what is not finite does not count.
 * @param signed Diverging colours, so that 0 sits in the middle.
 * @param from First place that counts.
 * @param end Place after the last that counts.
 * @returns [low, high], low < high. Signed: [-m, m], m the largest magnitude. For magnitudes that reach
 *   near 0 the low end is 0.
 *
 * Cost: one pass, about 1 ms a million values.
 */
export function colourLimits(values: Values, signed: boolean, from = 0, end = values.length): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let place = from; place < end; place++) {
    const value = values[place]!;
    if (value < low && value > -Infinity) low = value;
    if (value > high && value < Infinity) high = value;
  }
  if (low > high) return signed ? [-1, 1] : [0, 1];
  if (signed) {
    const most = Math.max(-low, high) || 1;
    return [-most, most];
  }
  if (low >= 0 && low < 0.25 * high) low = 0;
  return high > low ? [low, high] : [low, low + (Math.abs(low) || 1)];
}

// Colours are mixed in OKLab, where equal steps look equal. Source: B. Ottosson (2020), "A perceptual color space".

/**
 * Return a colour as lightness (0 black to 1 white) and two opponent axes, in which distance is what the eye sees.
 *
 * @param pixel A packed pixel.
 */
export function oklab(pixel: number): [number, number, number] {
  const red = linear((pixel & 255) / 255);
  const green = linear(((pixel >>> 8) & 255) / 255);
  const blue = linear(((pixel >>> 16) & 255) / 255);
  const long = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const middle = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const short = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    0.2104542553 * long + 0.793617785 * middle - 0.0040720468 * short,
    1.9779984951 * long - 2.428592205 * middle + 0.4505937099 * short,
    0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
  ];
}

function fromOklab(light: number, greenRed: number, blueYellow: number): number {
  const long = (light + 0.3963377774 * greenRed + 0.2158037573 * blueYellow) ** 3;
  const middle = (light - 0.1055613458 * greenRed - 0.0638541728 * blueYellow) ** 3;
  const short = (light - 0.0894841775 * greenRed - 1.291485548 * blueYellow) ** 3;
  const red = encoded(4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short);
  const green = encoded(-1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short);
  const blue = encoded(-0.0041960863 * long - 0.7034186147 * middle + 1.707614701 * short);
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

function linear(share: number): number {
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

function encoded(light: number): number {
  const share = light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;
  return Math.max(0, Math.min(255, Math.floor(share * 255 + 0.5)));
}

/** Lay `size` colours through evenly spaced anchors. */
function ramp(anchors: readonly string[], size: number): Uint32Array {
  const stops = anchors.map((anchor) => oklab(packed(anchor)));
  const table = new Uint32Array(size);
  for (let place = 0; place < size; place++) {
    const along = (place / (size - 1)) * (stops.length - 1);
    const before = Math.min(Math.floor(along), stops.length - 2);
    const one = stops[before]!;
    const next = stops[before + 1]!;
    const share = along - before;
    const mix = (axis: 0 | 1 | 2): number => one[axis] + (next[axis] - one[axis]) * share;
    table[place] = fromOklab(mix(0), mix(1), mix(2));
  }
  return table;
}
