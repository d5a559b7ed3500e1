/** A picture in three dimensions: turning it, and the cage of axes around it. */

import { Fragment, h } from "preact";
import { useComputed, useSignal, type Signal } from "./signals.js";
import { useCallback, useMemo } from "preact/hooks";
import { Raster } from "./canvas.js";
import { LassoLine, LassoWords, type Lasso } from "./lasso.js";
import { short } from "./marks/lines.js";
import { clip, SIZE } from "./measure.js";
import { arrowOf, type Gestures } from "./pointer.js";
import { farSides, project, projection, usualCamera, type Bounds, type Camera } from "./raster/project.js";
import type { Reading } from "./reading.js";
import { axisWords, ticks } from "./scale.js";
import { useScene } from "./scene.js";
import { readingGestures, Stage, type Readings } from "./stage.js";
import { setEntry, type Store } from "./state.js";
import { PanelTools } from "./tools.js";
import type { Axis } from "./types.js";

/** Fills a picture as a camera sees it. */
export type DrawSpace = (out: Uint32Array, width: number, height: number, ratio: number, camera: Camera) => void;

interface Props {
  /** Place of the panel, and of the mark in it. */
  readonly name: string;
  readonly label: string;
  readonly width: number;
  readonly height: number;
  readonly bounds: Bounds;
  /** Share of the cage's height that the mark uses. */
  readonly rise: number;
  readonly axes: readonly [Axis, Axis, Axis];
  /** Must be the same function as long as the picture is the same. */
  readonly draw: DrawSpace;
  readonly read: (x: number, y: number, camera: Camera) => Reading | null;
  readonly reading: Signal<Reading | null>;
  readonly lasso?: Lasso;
  /** A click chooses a place; null where nothing can be chosen. */
  readonly choose?: ((x: number, y: number, camera: Camera) => void) | null;
}

const KEYS = "Arrow keys turn, plus and minus zoom, 0 shows the first view, Escape leaves.";
const TURN = 0.009;
const MOST_ZOOM = 20;
/** Longest title of an axis, pixels. */
const MOST_TITLE = 120;

/** Returns the camera that a reader has chosen for a picture, or the usual one. */
export function useCamera(name: string): Camera {
  const { store } = useScene();
  const chosen = useComputed(() => store.cameras.value[name]).value;
  return chosen ? { azimuth: chosen[0], elevation: chosen[1], zoom: chosen[2] } : usualCamera();
}

/** Shows a picture in three dimensions that can be turned. */
export function Space(props: Props) {
  const { name, label, width, height, bounds, rise, axes, draw, read, reading, lasso, choose } = props;
  const { store } = useScene();
  const camera = useCamera(name);
  const { azimuth, elevation, zoom } = camera;
  const said = useSignal<Reading | null>(null);
  const paint = useCallback(
    (out: Uint32Array, across: number, down: number, ratio: number) =>
      draw(out, across, down, ratio, { azimuth, elevation, zoom }),
    [draw, azimuth, elevation, zoom],
  );
  const gestures = spaceGestures(store, name, camera, { reading, said }, (x, y) => read(x, y, camera), (x, y) => choose?.(x, y, camera));
  const cage = useMemo(
    () => <Cage bounds={bounds} camera={camera} width={width} height={height} rise={rise} axes={axes} />,
    [bounds, azimuth, elevation, zoom, width, height, rise, axes],
  );
  const turned = useComputed(() => store.cameras.value[name] !== undefined).value;
  return (
    <>
      <Stage
        kind="turnable picture" label={`${label}. ${KEYS}`} chooses={!!choose} look={`turn${lasso?.active.value || choose ? " lassoing" : ""}`}
        width={width} height={height} reading={reading} said={said} gestures={{ ...gestures, ...lasso?.gestures }}
        over={lasso && <LassoLine line={lasso.line} />}
      >
        {cage}
        <Raster width={width} height={height} draw={paint} />
      </Stage>
      {lasso && <LassoWords lasso={lasso} />}
      <PanelTools name={name} zoomed={turned} lasso={lasso ?? null} onReset={() => setEntry(store.cameras, name, null)} />
    </>
  );
}

function spaceGestures(
  store: Store, name: string, camera: Camera, readings: Readings, at: (x: number, y: number) => Reading | null,
  choose: (x: number, y: number) => void,
): Gestures {
  const read = readingGestures({ at, move: () => null }, readings);
  const look = (azimuth: number, elevation: number, zoom: number) => {
    read.leave();
    const up = Math.min(Math.max(elevation, -Math.PI / 2), Math.PI / 2);
    setEntry(store.cameras, name, [azimuth, up, Math.min(Math.max(zoom, 0.5), MOST_ZOOM)] as const);
  };
  const { azimuth, elevation, zoom } = camera;
  return {
    ...read,
    tap: (x, y) => {
      read.tap(x, y);
      choose(x, y);
    },
    drag: ({ dx, dy }) => look(azimuth - dx * TURN, elevation + dy * TURN, zoom),
    zoom: (factor) => look(azimuth, elevation, zoom / factor),
    reset: () => setEntry(store.cameras, name, null),
    key: (event) => {
      const arrow = arrowOf(event.key);
      if (arrow && Math.abs(arrow[0]) < 2) look(azimuth - 0.09 * arrow[0], elevation + 0.09 * arrow[1], zoom);
      else if (event.key === "+" || event.key === "=") look(azimuth, elevation, zoom * 1.25);
      else if (event.key === "-") look(azimuth, elevation, zoom / 1.25);
      else if (event.key === "0") setEntry(store.cameras, name, null);
      else return read.key(event);
      return true;
    },
  };
}

type View = Pick<Props, "bounds" | "width" | "height" | "rise" | "axes"> & { camera: Camera };
type Corner = readonly [number, number, number];

/** The floor and the two walls behind what is shown, with ticks and titles of the axes along their sides. */
function Cage({ bounds, camera, width, height, rise, axes }: View) {
  const by = projection(bounds, camera, width, height, rise);
  const far = farSides(camera);
  const at = (corner: Corner) => project(by, ...valuesAt(bounds, corner, rise));
  const [fx, fy, fz] = far;
  const walls: readonly (readonly Corner[])[] = [
    [[-1, -1, fz], [1, -1, fz], [1, 1, fz], [-1, 1, fz]],
    [[-1, fy, -1], [1, fy, -1], [1, fy, 1], [-1, fy, 1]],
    [[fx, -1, -1], [fx, 1, -1], [fx, 1, 1], [fx, -1, 1]],
  ];
  const sides: readonly Corner[] = [[0, -fy, fz], [-fx, 0, fz], uprightSide(at, fx, fy)];
  return (
    <svg class="back small" width={width} height={height} aria-hidden>
      <g fill="none" stroke="var(--faint)">
        {walls.map((wall) => <polygon points={wall.map((corner) => at(corner).slice(0, 2).map(short).join(",")).join(" ")} />)}
      </g>
      {axes.map((axis, place) => (
        <Side axis={axis} place={place} side={sides[place]!} bounds={bounds} at={at} rise={place === 2 ? rise : 1} />
      ))}
    </svg>
  );
}

/** The heights stand at the upright side that is seen farthest to the left. */
function uprightSide(at: (corner: Corner) => readonly number[], fx: number, fy: number): Corner {
  const [one, other]: readonly [Corner, Corner] = [[fx, -fy, 0], [-fx, fy, 0]];
  return at(one)[0]! < at(other)[0]! ? one : other;
}

function valuesAt(bounds: Bounds, corner: Corner, rise: number): [number, number, number] {
  return corner.map((share, axis) => {
    const [low, high] = [bounds.low[axis]!, bounds.high[axis]!];
    return (low + high) / 2 + (share * (high - low)) / 2 / (axis === 2 ? rise : 1);
  }) as [number, number, number];
}

/** Ticks and title along one side of the cage, on its outer side. */
function Side({ axis, place, side, bounds, at, rise }: {
  axis: Axis; place: number; side: Corner; bounds: Bounds; at: (corner: Corner) => readonly number[]; rise: number;
}) {
  const { measure } = useScene();
  const [low, high] = [bounds.low[place]!, bounds.high[place]!];
  if (!(high > low)) return null;
  const on = (share: number, out = 1) => {
    const corner = side.map((one, index) => (index === place ? share : index === 2 ? one : one * out)) as unknown as Corner;
    return at(corner) as [number, number];
  };
  const away = outward(on(0), on(0, 1.4));
  const anchor = Math.abs(away[0]) < 0.3 ? "middle" : away[0] < 0 ? "end" : "start";
  const marks = ticks(axis, [low, high], 5);
  const widest = Math.max(0, ...marks.map(({ label }) => measure(label, SIZE.small)));
  const words = clip(axisWords(axis), SIZE.small, MOST_TITLE, measure);
  // The heights are named above their side, the others beside the middle of theirs.
  const [x, y] = place === 2 ? on(1) : on(0);
  const title = place === 2 ? [x, y - 8] : [x + away[0] * (24 + widest * Math.abs(away[0])), y + away[1] * 24 + 15];
  return (
    <g>
      {marks.map((tick) => {
        const [x0, y0] = on(((2 * (tick.place - low)) / (high - low) - 1) * rise);
        const [x1, y1] = [x0 + 4 * away[0], y0 + 4 * away[1]];
        return (
          <>
            <line x1={short(x0)} y1={short(y0)} x2={short(x1)} y2={short(y1)} stroke="var(--muted)" />
            <text x={short(x0 + 9 * away[0])} y={short(y0 + 11 * away[1] + 4)} text-anchor={anchor}>{tick.label}</text>
          </>
        );
      })}
      {words && <text x={short(title[0]!)} y={short(title[1]!)} text-anchor={place === 2 ? "middle" : anchor}>{words}</text>}
    </g>
  );
}

/** The direction from one place of the picture to another, of length 1. */
function outward(from: readonly [number, number], to: readonly [number, number]): readonly [number, number] {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy) || 1;
  return [dx / length, dy / length];
}
