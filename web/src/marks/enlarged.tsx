/** One tile, large. */

import { h } from "preact";
import { useCallback, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { Raster, type Draw } from "../canvas.js";
import { PLAIN_AXIS } from "../figure.js";
import { Framed } from "../framed.js";
import { KeyView } from "../key-view.js";
import { layoutOf } from "../layout.js";
import { colourTable } from "../raster/colors.js";
import { drawTiles, layoutTiles } from "../raster/tiles.js";
import { useScene } from "../scene.js";
import type { Figure, Heat, Tiles } from "../types.js";
import { plain } from "../words.js";

/** Shows one tile in a dialog, with axes, exact values and zoom; `show(null)` closes it. */
export function Enlarged({ mark, tile, show }: { mark: Tiles; tile: number; show: (tile: number | null) => void }) {
  const { width } = useScene();
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    if (!dialog.current!.open) dialog.current!.showModal();
  }, []);
  const room = Math.min(width.value - 40, 480);
  const count = mark.images.shape[0]!;
  const go = (by: number) => show((tile + by + count) % count);
  return (
    <dialog ref={dialog} class="enlarged" aria-label={titleOf(mark, tile)} onClose={() => show(null)}
      onClick={(event) => event.target === dialog.current && show(null)}>
      <div class="enlarged-head">
        <h5>{titleOf(mark, tile)}</h5>
        <button onClick={() => go(-1)}>Previous</button>
        <button onClick={() => go(1)}>Next</button>
        <button onClick={() => show(null)}>Close</button>
      </div>
      {mark.images.shape.length === 4 ? <Colours mark={mark} tile={tile} width={room} /> : <Matrix mark={mark} tile={tile} width={room} />}
    </dialog>
  );
}

/** Returns the title of a tile. */
export function titleOf(mark: Tiles, tile: number): string {
  return plain(mark.titles[tile] ?? `image ${tile}`);
}

/** A tile of values is a matrix like any other. */
function Matrix({ mark, tile, width }: { mark: Tiles; tile: number; width: number }) {
  const { measure } = useScene();
  const layout = useMemo(() => layoutOf(figureOf(mark, tile), width, measure), [mark, tile, width]);
  const plan = layout.plans[0]!;
  return (
    <div class="panel alone" style={{ width: `${width}px` }}>
      <KeyView entries={plan.key} name={`tile-${tile}`} />
      {plan.frame && <Framed panel={plan.panel} plan={plan.frame} name={`tile-${tile}`} />}
    </div>
  );
}

function figureOf(mark: Tiles, tile: number): Figure {
  const [, rows, columns] = mark.images.shape as [number, number, number];
  const values = mark.images.values.subarray(tile * rows * columns, (tile + 1) * rows * columns);
  const heat: Heat = {
    kind: "heat", values: { shape: [rows, columns], values, rounded: mark.images.rounded === true }, x: null, y: null, signed: mark.signed, label: mark.label,
    origin: "upper",
  };
  const panel = {
    title: titleOf(mark, tile), marks: [heat], note: "", level: "ok" as const, wide: false,
    x: { ...PLAIN_AXIS, label: "column" }, y: { ...PLAIN_AXIS, label: "row" },
  };
  return { title: "", panels: [panel], columns: 1, verdict: "", level: "ok", caveat: "", alt: "" };
}

function Colours({ mark, tile, width }: { mark: Tiles; tile: number; width: number }) {
  const [, rows, columns] = mark.images.shape as [number, number, number];
  const draw = useCallback<Draw>(
    (out, across, down) => {
      const images = mark.images.values.subarray(tile * rows * columns * 3, (tile + 1) * rows * columns * 3);
      const layout = layoutTiles({ count: 1, rows, columns, width: across, most: across });
      drawTiles(out, across, down, { images, rows, columns, channels: 3, layout, table: colourTable(false), limits: [0, 1] });
    },
    [mark, tile],
  );
  const height = Math.round((width * rows) / columns);
  return <div class="stage" style={{ width: `${width}px`, height: `${height}px` }}><Raster width={width} height={height} draw={draw} /></div>;
}
