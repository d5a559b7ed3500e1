/** What the tests of pictures share: hashes, reproducible numbers, and pixels in words. */

/** FNV-1a of the pixels, as eight hexadecimal digits. */
export function hash(pixels: Uint32Array): string {
  let state = 0x811c9dc5;
  for (const pixel of pixels) {
    for (let shift = 0; shift < 32; shift += 8) state = Math.imul(state ^ ((pixel >>> shift) & 255), 0x01000193);
  }
  return (state >>> 0).toString(16).padStart(8, "0");
}

/** Numbers between 0 and 1 that are the same in every run. */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** "#rrggbb" of an opaque pixel, "none" of a transparent one. */
export function named(pixel: number): string {
  if (pixel >>> 24 === 0) return "none";
  return "#" + [0, 8, 16].map((shift) => ((pixel >>> shift) & 255).toString(16).padStart(2, "0")).join("");
}

// Source: B. Ottosson (2020), "A perceptual color space".

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

function linear(share: number): number {
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}
