/** A height over a plane, with the path of an optimiser on it. */

import { useComputed, useSignal } from "@preact/signals";
import { useCallback, useMemo, useRef } from "preact/hooks";
import { Player } from "../controls.js";
import { colourTable, packed } from "../raster/colors.js";
import { surfaceMesh, type Mesh } from "../raster/mesh.js";
import { project, type Camera } from "../raster/project.js";
import { drawSurface, pickSurface, roundContour, surfaceProjection } from "../raster/surface.js";
import type { Path } from "../raster/trail.js";
import { RISE } from "../raster/mesh.js";
import type { Reading } from "../reading.js";
import { placeWords } from "../scale.js";
import { useScene } from "../scene.js";
import { Space, type DrawSpace } from "../space.js";
import { setEntry } from "../state.js";
import type { Axis, Panel, Surface } from "../types.js";
import { exact, number } from "../words.js";

const RED = packed("#bf2f2a");
const PALE = packed("#e7a9a3");
const WHITE = packed("#ffffff");

/** Draws a surface that can be turned, and plays its path. */
export function SurfaceMark({ mark, panel, width, height, name }: {
  mark: Surface; panel: Panel; width: number; height: number; name: string;
}) {
  const scene = useScene();
  const mesh = useMemo(() => meshOf(mark), [mark]);
  const count = mark.path?.shape[0] ?? 0;
  const place = useComputed(() => Math.min(scene.store.places.value[name] ?? count - 1, count - 1)).value;
  const reading = useSignal<Reading | null>(null);
  const seen = useRef({ depth: new Float32Array(0), width: 0, height: 0, ratio: 1 }).current;
  const page = scene.page.value;
  const draw = useCallback<DrawSpace>(
    (out, across, down, ratio, camera) => {
      if (!mesh) return;
      if (seen.depth.length !== out.length) seen.depth = new Float32Array(out.length);
      Object.assign(seen, { width: across, height: down, ratio });
      drawSurface(out, seen.depth, across, down, {
        mesh, camera, table: colourTable(false, page), contour: roundContour(...mesh.limits), ...walked(mark, place, ratio),
      });
    },
    [mesh, page, place, mark],
  );
  if (!mesh) return <p class="nothing">nothing to show</p>;
  const third: Axis = { ...panel.y, label: mark.label, unit: "", categories: [], scale: "linear" };
  const axes = [linear(panel.x), linear(panel.y), third] as const;
  const read = (x: number, y: number, camera: Camera) => {
    const found = pickSurface(seen.depth, seen.width, seen.height, mesh, camera, x * seen.ratio, y * seen.ratio);
    return found && readingOf(mesh, axes, camera, found, width, height);
  };
  return (
    <div class="block">
      <Space name={name} label={panel.title || "Surface"} width={width} height={height} bounds={mesh.bounds} rise={RISE}
        axes={axes} draw={draw} read={read} reading={reading} />
      {count > 1 && (
        <Player count={count} place={place} words={pathWords(mark, Math.round(place))}
          set={(now) => setEntry(scene.store.places, name, now)} />
      )}
    </div>
  );
}

function linear(axis: Axis): Axis {
  return { ...axis, scale: "linear", categories: [] };
}

function meshOf(mark: Surface): Mesh | null {
  const [rows, columns] = mark.z.shape as [number, number];
  if (rows < 2 || columns < 2 || !mark.z.values.some(Number.isFinite)) return null;
  return surfaceMesh({ x: mark.x.values, y: mark.y.values, z: mark.z.values });
}

/** The whole path pale, what was walked of it strong, and the ball at its end. */
function walked(mark: Surface, place: number, ratio: number) {
  if (!mark.path || !mark.path.shape[0]) return {};
  const points = Float64Array.from(mark.path.values as ArrayLike<number>);
  const whole = Math.floor(place);
  const at = ballAt(points, place);
  const look = { casing: WHITE, width: 2.2 * ratio };
  const part = new Float64Array(3 * (whole + 2));
  part.set(points.subarray(0, 3 * (whole + 1)));
  part.set(at, 3 * (whole + 1));
  const paths: Path[] = [{ points, colour: PALE, ...look }, { points: part, colour: RED, ...look }];
  return { paths, ball: { at, radius: 7 * ratio, colour: RED } };
}

function ballAt(points: Float64Array, place: number): [number, number, number] {
  const before = Math.floor(place);
  const after = Math.min(before + 1, points.length / 3 - 1);
  const share = place - before;
  return [0, 1, 2].map((axis) => {
    const [one, next] = [points[3 * before + axis]!, points[3 * after + axis]!];
    return one + (next - one) * share;
  }) as [number, number, number];
}

function pathWords(mark: Surface, place: number): string {
  const height = mark.path!.values[3 * place + 2]!;
  const label = mark.label.replace(/\s*\(.*\)$/, "") || "height";
  return `point ${place + 1} of ${mark.path!.shape[0]}, ${label} ${number(height)}`;
}

function readingOf(
  mesh: Mesh, axes: readonly [Axis, Axis, Axis], camera: Camera, found: { row: number; column: number },
  width: number, height: number,
): Reading {
  const values = [mesh.x[found.column]!, mesh.y[found.row]!, mesh.z[found.row * mesh.columns + found.column]!] as const;
  const [x, y] = project(surfaceProjection(mesh, camera, width, height), ...values);
  const rows = axes.map((axis, place) => ({
    label: axis.label || ["x", "y", "height"][place]!, value: placeWords(axis, values[place]!, exact), colour: "",
  }));
  return { x, y, title: "", rows: [rows[2]!, rows[0]!, rows[1]!], index: [found.row, found.column], dots: [{ x, y, colour: "var(--ink)" }] };
}
