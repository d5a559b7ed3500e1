import assert from "node:assert/strict";
import { test } from "node:test";
import { colourOf, colourTable, packed } from "../../src/raster/colors.js";
import { drawTiles, layoutTiles, pickTile, tileLimits, tilePlace, type TilesOptions } from "../../src/raster/tiles.js";
import { chance, hash } from "./pixels.js";

const table = colourTable(false);

test("tiles lie apart by the gap, inside the width, below each other's titles", () => {
  const layout = layoutTiles({ count: 7, rows: 10, columns: 20, width: 300, gap: 5, head: 12, least: 60, most: 90 });
  assert.equal(layout.tileHeight * 2, layout.tileWidth);
  assert.ok(layout.across * (layout.tileWidth + 5) - 5 <= 300);
  assert.equal(layout.down, Math.ceil(7 / layout.across));
  const [first, second] = [tilePlace(layout, 0), tilePlace(layout, 1)];
  assert.deepEqual(first, { left: 0, top: 12 });
  assert.equal(second.left, layout.tileWidth + 5);
  assert.equal(tilePlace(layout, layout.across).top, 12 + layout.tileHeight + 5 + 12);
});

test("tiles are never narrower than they may be", () => {
  for (const least of [46, 62, 95, 108]) {
    const wide = [3, 8, 16, 28, 33, 64].map((columns) => layoutTiles({ count: 36, rows: columns, columns, width: 400, least }).tileWidth);
    assert.ok(Math.min(...wide) >= least, `${least}: ${wide}`);
  }
});

test("cells of a tile are equally large where the width allows it", () => {
  for (const columns of [8, 28, 32]) {
    const layout = layoutTiles({ count: 100, rows: columns, columns, width: 800 });
    assert.equal(layout.tileWidth % columns, 0, `${columns}: ${layout.tileWidth}`);
    assert.ok(layout.across * (layout.tileWidth + layout.gap) - layout.gap <= 800);
  }
});

test("no tiles and tiles without cells give a layout without pixels", () => {
  assert.equal(layoutTiles({ count: 0, rows: 4, columns: 4, width: 100 }).height, 0);
  assert.ok(Number.isFinite(layoutTiles({ count: 3, rows: 0, columns: 0, width: 100 }).height));
});

function twoTiles(shared: boolean): TilesOptions {
  const images = Float32Array.of(0, 1, 2, 3, 0, 10, 20, 30);
  const layout = layoutTiles({ count: 2, rows: 2, columns: 2, width: 9, gap: 1, least: 4, most: 4 });
  return { images, rows: 2, columns: 2, channels: 1, layout, table, limits: tileLimits(images, 2, false, shared) };
}

test("each tile shows its own image, with a shared or its own scale; gaps are transparent", () => {
  for (const shared of [true, false]) {
    const options = twoTiles(shared);
    const out = new Uint32Array(9 * 4).fill(7);
    drawTiles(out, 9, 4, options);
    assert.equal(out[0], colourOf(table, 0, 0, 30));
    assert.equal(out[3 * 9 + 3], colourOf(table, 3, 0, shared ? 30 : 3));
    assert.equal(out[4], 0);
    assert.equal(out[8], colourOf(table, 10, 0, 30));
    assert.deepEqual(pickTile(options, 8.5, 0), { tile: 1, row: 0, column: 1 });
    assert.deepEqual(pickTile(options, 1, 3), { tile: 0, row: 1, column: 0 });
    assert.equal(pickTile(options, 4.5, 1), null);
    assert.equal(pickTile(options, 3, 9), null);
  }
});

test("a spike in a tile smaller than its image stays visible", () => {
  const images = new Float32Array(64 * 64);
  images[20 * 64 + 33] = 1;
  const layout = layoutTiles({ count: 1, rows: 64, columns: 64, width: 15, least: 15, most: 15 });
  const out = new Uint32Array(15 * 15);
  drawTiles(out, 15, 15, { images, rows: 64, columns: 64, channels: 1, layout, table, limits: [0, 1] });
  assert.equal(out.filter((pixel) => pixel === table[1024]).length, 1);
});

test("colours are shown as they are, cut off at 0 and 1, and averaged within a pixel", () => {
  const images = Float32Array.of(1, 0, 0, 0, 0, 1, -1, 2, 0.5, NaN, 0, 0);
  const options = { images, rows: 2, columns: 2, channels: 3, table, limits: [0, 1] } as const;
  const large = layoutTiles({ count: 1, rows: 2, columns: 2, width: 2, least: 2, most: 2 });
  const out = new Uint32Array(4);
  drawTiles(out, 2, 2, { ...options, layout: large });
  assert.deepEqual([...out], [packed("#ff0000"), packed("#0000ff"), packed("#00ff80"), packed("#000000")]);
  const small = { ...large, tileWidth: 1, tileHeight: 1 };
  const halves = Float32Array.of(1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1);
  drawTiles(out.subarray(0, 1), 1, 1, { ...options, images: halves, layout: small });
  assert.equal(out[0], packed("#800080"));
});

test("tiles beyond the picture are cut off", () => {
  const options = twoTiles(true);
  const out = new Uint32Array(7 * 3);
  drawTiles(out, 7, 3, options);
  assert.equal(out[5], colourOf(table, 0, 0, 30));
  assert.equal(out[2 * 7 + 6], colourOf(table, 20, 0, 30));
});

test("a small picture stays as it is", () => {
  const next = chance(9);
  const images = Float32Array.from({ length: 12 * 9 * 9 }, () => next() - 0.5);
  const layout = layoutTiles({ count: 12, rows: 9, columns: 9, width: 64, gap: 2, least: 9, most: 20 });
  const out = new Uint32Array(64 * 40);
  const limits = tileLimits(images, 12, true, false);
  const signed = colourTable(true);
  drawTiles(out, 64, 40, { images, rows: 9, columns: 9, channels: 1, layout, table: signed, limits });
  assert.equal(hash(out), "870bc20b");
});
