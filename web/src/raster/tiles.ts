/** Many small images in one picture. */

import { averageColours, cellAt, fillCells, pixelSpans, type Spans } from "./cells.js";
import { colourLimits, type Values } from "./colors.js";

/** Where tiles lie; everything in pixels. */
export interface TileLayout {
  /** Tiles a row. */
  readonly across: number;
  /** Rows of tiles. */
  readonly down: number;
  /** Number of tiles. */
  readonly count: number;
  readonly tileWidth: number;
  readonly tileHeight: number;
  /** Room between tiles. */
  readonly gap: number;
  /** Room above each tile, for its title. */
  readonly head: number;
  /** Height of all. */
  readonly height: number;
}

/** What `layoutTiles` needs to know; lengths in pixels. */
export interface TileRoom {
  /** Number of tiles. */
  readonly count: number;
  /** Shape of one image. */
  readonly rows: number;
  readonly columns: number;
  /** Width that all tiles share. */
  readonly width: number;
  readonly gap?: number;
  readonly head?: number;
  /** Least and largest width of a tile. */
  readonly least?: number;
  readonly most?: number;
}

/** Images and how they are to be drawn. */
export interface TilesOptions {
  /** [tile, row, column], or [tile, row, column, 3] with colours from 0 to 1. */
  readonly images: Values;
  readonly rows: number;
  readonly columns: number;
  /** 1 for values, 3 for red, green, blue. */
  readonly channels: 1 | 3;
  readonly layout: TileLayout;
  /** From `colourTable`; not used for three channels. */
  readonly table: Uint32Array;
  /** From `tileLimits`: [2], one scale for all, or [2 * tile], one for each; not used for three channels. */
  readonly limits: ArrayLike<number>;
}

/**
 * Return where tiles lie, in whole pixels so that all gaps are equally wide and sharp.
 *
 * Tiles shrink or grow a little to a whole multiple of their image, so that all cells are equally large.
 *
 * @param room Numbers of tiles and lengths; the defaults are those of the static pictures at 96 dots an inch.
 * @returns The layout, about twice as wide as high where there are enough tiles.
 */
export function layoutTiles(room: TileRoom): TileLayout {
  const { count, rows, columns, width, gap = 6, head = 0, least = 46, most = 146 } = room;
  const shape = columns / Math.max(rows, 1) || 1;
  const fitting = Math.floor((width + gap) / (least + gap));
  const usual = Math.max(1, Math.min(count, fitting, Math.round(Math.sqrt((count * 2) / shape))));
  const free = Math.max(1, Math.min(Math.floor((width - (usual - 1) * gap) / usual), most));
  const tileWidth = evenWidth(free, columns, least, Math.min(width, most));
  const across = Math.max(1, Math.min(usual, Math.floor((width + gap) / (tileWidth + gap))));
  const tileHeight = Math.max(1, Math.round(tileWidth / shape));
  const down = Math.ceil(count / across);
  const height = Math.max(0, down * (tileHeight + head + gap) - gap);
  return { across, down, count, tileWidth, tileHeight, gap, head, height };
}

/**
 * Return the upper left pixel of a tile's image.
 *
 * @param layout From `layoutTiles`.
 * @param tile Which one, from 0.
 */
export function tilePlace(layout: TileLayout, tile: number): { left: number; top: number } {
  const { across, tileWidth, tileHeight, gap, head } = layout;
  return {
    left: (tile % across) * (tileWidth + gap),
    top: Math.floor(tile / across) * (tileHeight + head + gap) + head,
  };
}

/**
 * Return the values at the ends of the colours of tiles.
 *
 * @param images [tile, row, column].
 * @param count Number of tiles.
 * @param signed Diverging colours centred on 0.
 * @param shared One scale for all tiles.
 * @returns [2] for a shared scale, else [2 * tile]: low, high, low, high ...
 *
 * Cost: one pass.
 */
export function tileLimits(images: Values, count: number, signed: boolean, shared: boolean): Float64Array {
  if (shared) return Float64Array.from(colourLimits(images, signed));
  const size = images.length / count;
  const limits = new Float64Array(2 * count);
  for (let tile = 0; tile < count; tile++) {
    limits.set(colourLimits(images, signed, tile * size, (tile + 1) * size), 2 * tile);
  }
  return limits;
}

/**
 * Draw tiles.
 *
 * Values that share a pixel show the one of largest magnitude; colours that share a pixel are averaged, since
 * there is no largest colour.
 *
 * @param out [height * width] packed pixels, all overwritten; gaps and what lies beyond are transparent.
 * @param width Pixels.
 * @param height Pixels; tiles below are cut off.
 * @param options What and how.
 *
 * Cost: one look at each value; 144 tiles of 64 x 64 in about 4 ms.
 */
export function drawTiles(out: Uint32Array, width: number, height: number, options: TilesOptions): void {
  const { layout, rows, columns, channels } = options;
  out.fill(0);
  const { across, down } = tileSpans(options);
  for (let tile = 0; tile < layout.count; tile++) {
    const { left, top } = tilePlace(layout, tile);
    const area = {
      left, top, width: Math.min(layout.tileWidth, width - left), height: Math.min(layout.tileHeight, height - top),
    };
    if (area.height <= 0) break;
    if (area.width <= 0) continue;
    const matrix = { values: options.images, offset: tile * rows * columns * channels, rows, columns };
    if (channels === 3) {
      averageColours(out, width, area, matrix, channels, across, down);
      continue;
    }
    const place = options.limits.length > 2 ? 2 * tile : 0;
    const scale = { table: options.table, lo: options.limits[place]!, hi: options.limits[place + 1]! };
    fillCells(out, width, area, matrix, cut(across, area.width), down, scale);
  }
}

/**
 * Return the tile under a pixel and the cell of its image.
 *
 * @param options As drawn.
 * @param x Pixels from the left.
 * @param y Pixels from the top.
 * @returns Tile, row and column, each from 0; of several cells in the pixel the one whose colour is shown, and
 *   of colours the first. null in a gap.
 */
export function pickTile(
  options: TilesOptions, x: number, y: number,
): { tile: number; row: number; column: number } | null {
  const { layout, rows, columns, channels } = options;
  const right = Math.floor(x / (layout.tileWidth + layout.gap));
  const below = Math.floor(y / (layout.tileHeight + layout.head + layout.gap));
  const tile = below * layout.across + right;
  if (x < 0 || y < 0 || right >= layout.across || tile >= layout.count) return null;
  const { left, top } = tilePlace(layout, tile);
  const { across, down } = tileSpans(options);
  const [pixel, line] = [Math.floor(x) - left, Math.floor(y) - top];
  if (channels === 3) {
    if (pixel < 0 || line < 0 || pixel >= layout.tileWidth || line >= layout.tileHeight) return null;
    return { tile, row: down.first[line]!, column: across.first[pixel]! };
  }
  const matrix = { values: options.images, offset: tile * rows * columns, rows, columns };
  const cell = cellAt(matrix, across, down, pixel, line);
  return cell && { tile, ...cell };
}

function tileSpans(options: TilesOptions): { across: Spans; down: Spans } {
  const { layout, rows, columns } = options;
  return {
    across: pixelSpans(layout.tileWidth, columns, null, 0, columns),
    down: pixelSpans(layout.tileHeight, rows, null, 0, rows),
  };
}

function cut(spans: Spans, pixels: number): Spans {
  if (pixels === spans.first.length) return spans;
  return { first: spans.first.subarray(0, pixels), end: spans.end.subarray(0, pixels), single: spans.single };
}

/** The whole multiple of the image next below, at most a fifth narrower, or next above, at most a third wider. */
function evenWidth(width: number, columns: number, least: number, most: number): number {
  const below = Math.floor(width / Math.max(columns, 1)) * columns;
  if (below >= Math.max(0.8 * width, Math.min(width, least))) return below;
  const above = below + columns;
  return below > 0 && above <= 1.3 * width && above <= most ? above : width;
}
