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
