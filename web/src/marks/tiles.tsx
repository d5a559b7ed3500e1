/** Many small images; each can be enlarged. */

import { h } from "preact";
import { useSignal } from "../signals.js";
import { useCallback, useMemo } from "preact/hooks";
import { Nothing } from "../guard.js";
import { pixelRatio, Raster, type Draw } from "../canvas.js";
import { clip, SIZE, type Measure } from "../measure.js";
import type { Gestures } from "../pointer.js";
import { colourTable } from "../raster/colors.js";
import { drawTiles, layoutTiles, pickTile, tileLimits, tilePlace, type TileLayout, type TilesOptions } from "../raster/tiles.js";
import { clampIndex, valueWords, type Reader, type Reading } from "../reading.js";
import { useScene } from "../scene.js";
import { readingGestures, Stage, useFresh } from "../stage.js";
import type { Tiles } from "../types.js";
import { amount, plain } from "../words.js";
import { Enlarged, titleOf } from "./enlarged.js";

const MOST_TILES = 512;
const HEAD = 15;
/** Pixels by which titles stretch tiles; beyond four of them too few would stand side by side. */
const STEP = 16;

type Props = { readonly mark: Tiles; readonly width: number; readonly title: string };

/** Draws small images. */
export function TilesMark(props: Props) {
  const empty = !props.mark.images.values.length;
  return empty ? <Nothing /> : <Images {...props} />;
}

function Images({ mark, width, title }: Props) {
  const ratio = pixelRatio();
  const { measure } = useScene();
  const options = useMemo(() => optionsOf(mark, width * ratio, ratio, measure), [mark, width, ratio]);
  const { layout } = options;
  const draw = useCallback<Draw>((out, across, down) => drawTiles(out, across, down, options), [options]);
  const reading = useSignal<Reading | null>(null);
  const said = useSignal<Reading | null>(null);
  const enlarged = useSignal<number | null>(null);
  const read = (tile: number, row: number, column: number) => readingOf(mark, options, ratio, tile, row, column);
  const at = (x: number, y: number) => pickTile(options, x * ratio, y * ratio);
  const reader: Reader = {
    at(x, y) {
      const found = at(x, y);
      return found && read(found.tile, found.row, found.column);
    },
    move(from, right, below) {
      const next = clampIndex((from?.index[0] ?? -1) + right + below * layout.across, layout.count);
      return read(next, options.rows >> 1, options.columns >> 1);
    },
  };
  useFresh(reader, reading, options);
  const keys = readingGestures(reader, { reading, said });
  const gestures: Gestures = {
    ...keys,
    tap: (x, y) => (enlarged.value = at(x, y)?.tile ?? null),
    key(event) {
      const here = reading.peek();
      if (event.key !== "Enter" || !here) return keys.key(event);
      enlarged.value = here.index[0];
      return true;
    },
  };
  const wide = (layout.across * (layout.tileWidth + layout.gap) - layout.gap) / ratio;
  const size = { width: wide, height: layout.height / ratio };
  const total = mark.images.shape[0]!;
  return (
    <div class="block">
      <Stage kind="small images" label={`${plain(title) || "Images"}. Arrow keys go from image to image, Enter enlarges.`}
        look="pick" {...size} reading={reading} said={said} gestures={gestures}>
        <Raster {...size} draw={draw} />
        <svg class="front" {...size} aria-hidden>
          <path fill="none" stroke="var(--faint)" d={outlines(layout, ratio)} />
          <Titles titles={mark.titles} layout={layout} ratio={ratio} />
        </svg>
      </Stage>
      {total > layout.count && <p class="more">{layout.count} of {amount(total, "tile")} shown</p>}
      {enlarged.value !== null && <Enlarged mark={mark} tile={enlarged.value} show={(tile) => (enlarged.value = tile)} />}
    </div>
  );
}

/** A border of each tile: white ones could not be told from the page. */
function outlines(layout: TileLayout, ratio: number): string {
  const [wide, high] = [layout.tileWidth / ratio, layout.tileHeight / ratio];
  return Array.from({ length: layout.count }, (_, tile) => {
    const { left, top } = tilePlace(layout, tile);
    return `M${left / ratio},${top / ratio}h${wide}v${high}h-${wide}z`;
  }).join("");
}

function Titles({ titles, layout, ratio }: { titles: readonly string[]; layout: TileLayout; ratio: number }) {
  const { measure } = useScene();
  return (
    <g class="small">
      {titles.slice(0, layout.count).map((words, tile) => {
        const { left, top } = tilePlace(layout, tile);
        const text = clip(plain(words), SIZE.small, layout.tileWidth / ratio, measure);
        return <text x={left / ratio} y={top / ratio - 4}>{text}</text>;
      })}
    </g>
  );
}

/** What the rasteriser needs; lengths in device pixels. */
function optionsOf(mark: Tiles, width: number, ratio: number, measure: Measure): TilesOptions {
  const [total, rows, columns, channels] = mark.images.shape as [number, number, number, number | undefined];
  const count = Math.min(total, MOST_TILES);
  // A tile is as wide as its title, in steps, so that tiles that belong together stand alike.
  const needed = Math.max(0, ...mark.titles.map((words) => measure(plain(words), SIZE.small) - 42));
  const least = (46 + Math.min(Math.ceil(needed / STEP), 4) * STEP) * ratio;
  const head = mark.titles.length ? Math.round(HEAD * ratio) : 0;
  const layout = layoutTiles({ count, rows, columns, width, gap: Math.round(7 * ratio), head, least, most: 150 * ratio });
  const limits = channels ? [0, 1] : tileLimits(mark.images.values, total, mark.signed, mark.shared_scale);
  return {
    images: mark.images.values, rows, columns, channels: channels ? 3 : 1, layout,
    table: colourTable(mark.signed), limits,
  };
}

function readingOf(mark: Tiles, options: TilesOptions, ratio: number, tile: number, row: number, column: number): Reading {
  const { layout } = options;
  const { left, top } = tilePlace(layout, tile);
  const box = { left: left / ratio, top: top / ratio, width: layout.tileWidth / ratio, height: layout.tileHeight / ratio };
  const title = titleOf(mark, tile);
  return {
    x: box.left + ((column + 0.5) / options.columns) * box.width, y: box.top + ((row + 0.5) / options.rows) * box.height,
    title: `${title}; row ${row}, column ${column}`, rows: [{ label: mark.label || "value", value: pixelWords(mark, tile, row, column) }],
    // Colours are three values; they are shown as stored.
    index: [tile, 0], box, ...(mark.images.shape.length === 3 && { of: mark.images, at: [tile, row, column] }),
  };
}

/** Returns the value of one pixel in words; red, green and blue for colours. */
export function pixelWords(mark: Tiles, tile: number, row: number, column: number): string {
  const [, rows, columns, channels = 1] = mark.images.shape as [number, number, number, number?];
  const start = ((tile * rows + row) * columns + column) * channels;
  const values = Array.from({ length: channels }, (_, channel) => mark.images.values[start + channel]!);
  return values.map((value) => valueWords(mark.images, value)).join(", ");
}
