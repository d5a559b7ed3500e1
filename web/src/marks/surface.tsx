/** A height over a plane, with the paths of optimisers on it. */

import { h } from "preact";
import { useComputed, useSignal } from "../signals.js";
import { useCallback, useMemo } from "preact/hooks";
import { Nothing } from "../guard.js";
import { Player } from "../controls.js";
import { colourTable } from "../raster/colors.js";
import { coarseMesh, RISE, surfaceMesh, type Mesh } from "../raster/mesh.js";
import { pixelsPerUnit, project, type Camera } from "../raster/project.js";
import { drawGround, drawTraffic, pickSurface, roundContour, surfaceProjection } from "../raster/surface.js";
import { valueWords, type Reading } from "../reading.js";
import { linear, placeWords } from "../scale.js";
import { useScene } from "../scene.js";
import { Space, type DrawSpace } from "../space.js";
import { setEntry } from "../state.js";
import type { Axis, Panel, Surface } from "../types.js";
import { exact } from "../words.js";
import { drawnRace, raceOf, raceWords } from "./race.js";

/** Draws a surface that can be turned, and plays its paths. */
export function SurfaceMark({ mark, panel, width, height, name }: {
  mark: Surface; panel: Panel; width: number; height: number; name: string;
}) {
  const { store, page, pick } = useScene();
  const mesh = useMemo(() => meshOf(mark), [mark]);
  const race = useMemo(() => raceOf(mark, store.hidden.value, page.value), [mark, store.hidden.value, page.value]);
  const last = Math.max(race.count - 1, 0);
  const place = Math.min(useComputed(() => store.places.value[name]).value ?? last, last);
  const reading = useSignal<Reading | null>(null);
  const ground = useMemo(() => new Ground(), []);
  const turns = useSignal(0);
  const draw = useCallback<DrawSpace>(
    (out, across, down, ratio, camera) => {
      if (!mesh) return;
      const options = { mesh, camera, table: colourTable(false), contour: roundContour(...mesh.limits) };
      ground.draw(out, across, down, ratio, options, () => turns.value++);
      drawTraffic(out, ground.depth, across, down, { ...options, ...drawnRace(race, place, ratio) });
    },
    [mesh, place, race, turns.value],
  );
  const axes = useMemo(() => axesOf(mark, panel), [mark, panel]);
  if (!mesh) return <Nothing />;
  const placeAt = (x: number, y: number, camera: Camera) => ground.placeAt(mesh, camera, x, y);
  const read = (x: number, y: number, camera: Camera) => {
    const found = placeAt(x, y, camera);
    return found && readingOf(mark, mesh, axes, camera, found, width, height);
  };
  const choose = (x: number, y: number, camera: Camera) => {
    const found = placeAt(x, y, camera);
    if (found) pick?.(found.x, found.y);
  };
  return (
    <div class="block">
      <Space name={name} label={panel.title || "Surface"} width={width} height={height} bounds={mesh.bounds} rise={RISE}
        axes={axes} draw={draw} read={read} reading={reading} choose={pick && choose} />
      {race.count > 1 && (
        <Player count={race.count} place={place} words={raceWords(race, mark.label, Math.round(place))}
          set={(now) => setEntry(store.places, name, now)} />
      )}
    </div>
  );
}

type GroundOptions = Parameters<typeof drawGround>[4];

/** Milliseconds after which a surface that was turned rests. */
const REST = 140;
/** Cells narrower than this, in pixels, may be drawn two by two while a surface turns. */
const NARROW = 2.5;

/** The surface without what moves on it: kept, so that balls that roll on a resting surface cost little. */
class Ground {
  depth = new Float32Array(0);
  #pixels = new Uint32Array(0);
  #size = [0, 0, 1] as [number, number, number];
  #drawn = "";
  #isCoarse = false;
  #mesh: Mesh | null = null;
  #coarse: Mesh | null = null;
  #rest = 0;

  /** Draws; while the surface turns, a coarser one, and `rested` is called when it should be drawn again. */
  draw(out: Uint32Array, width: number, height: number, ratio: number, options: GroundOptions, rested: () => void): void {
    const { mesh, camera } = options;
    const seen = [width, height, camera.azimuth, camera.elevation, camera.zoom].join();
    if (mesh !== this.#mesh) [this.#mesh, this.#coarse, this.#drawn] = [mesh, null, ""];
    // While a ball rolls over a surface that turns, a coarse ground is kept as well, until it rests.
    if (seen !== this.#drawn || (this.#isCoarse && !this.#rest)) {
      if (this.depth.length !== out.length) [this.depth, this.#pixels] = [new Float32Array(out.length), new Uint32Array(out.length)];
      const turning = this.#rest > 0 && (2 * pixelsPerUnit(camera, width, height)) / mesh.columns < NARROW;
      clearTimeout(this.#rest);
      this.#rest = window.setTimeout(() => {
        this.#rest = 0;
        if (turning) rested();
      }, REST);
      if (turning) this.#coarse ??= coarseMesh(mesh);
      drawGround(this.#pixels, this.depth, width, height, turning ? { ...options, mesh: this.#coarse! } : options);
      [this.#drawn, this.#isCoarse] = [seen, turning];
    }
    this.#size = [width, height, ratio];
    out.set(this.#pixels);
  }

  placeAt(mesh: Mesh, camera: Camera, x: number, y: number) {
    const [width, height, ratio] = this.#size;
    return pickSurface(this.depth, width, height, mesh, camera, x * ratio, y * ratio);
  }
}

function axesOf(mark: Surface, panel: Panel): readonly [Axis, Axis, Axis] {
  return [linear(panel.x), linear(panel.y), linear({ ...panel.y, label: mark.label, unit: "" })];
}

function meshOf(mark: Surface): Mesh | null {
  const [rows, columns] = mark.z.shape as [number, number];
  if (rows < 2 || columns < 2 || !mark.z.values.some(Number.isFinite)) return null;
  return surfaceMesh({ x: mark.x.values, y: mark.y.values, z: mark.z.values });
}

function readingOf(
  mark: Surface, mesh: Mesh, axes: readonly [Axis, Axis, Axis], camera: Camera, found: { row: number; column: number },
  width: number, height: number,
): Reading {
  const values = [mesh.x[found.column]!, mesh.y[found.row]!, mesh.z[found.row * mesh.columns + found.column]!] as const;
  const [x, y] = project(surfaceProjection(mesh, camera, width, height), ...values);
  const rows = axes.map((axis, place) => ({
    label: axis.label || ["x", "y", "height"][place]!, value: place === 2 ? valueWords(mark.z, values[2]) : placeWords(axis, values[place]!, exact),
  }));
  return { x, y, title: "", rows: [rows[2]!, rows[0]!, rows[1]!], index: [found.row, found.column], of: mark.z, dots: [{ x, y, colour: "var(--ink)" }] };
}
