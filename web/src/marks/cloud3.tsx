/** Points of space. */

import { h } from "preact";
import { useSignal } from "../signals.js";
import { useCallback, useMemo, useRef } from "preact/hooks";
import { Nothing } from "../guard.js";
import { useLassoOver } from "../lasso.js";
import { drawCloud3, pointLook } from "../raster/cloud.js";
import { projectCloud } from "../raster/depth.js";
import { boundsOf, projection } from "../raster/project.js";
import type { Reading } from "../reading.js";
import { linear } from "../scale.js";
import { useScene } from "../scene.js";
import { Space, useCamera, type DrawSpace } from "../space.js";
import type { Axis, Cloud, Panel } from "../types.js";
import { cloudGroups, nothingPicked, pointAt, pointReading } from "./cloud.js";

/** Draws points of space that can be turned. */
export function Cloud3Mark({ mark, panel, width, height, name }: {
  mark: Cloud; panel: Panel; width: number; height: number; name: string;
}) {
  const scene = useScene();
  const hidden = scene.store.hidden.value;
  const page = scene.page.value;
  const points = useMemo(() => floats(mark), [mark]);
  const bounds = useMemo(() => boundsOf(points), [points]);
  const camera = useCamera(name);
  const lasso = useLassoOver(mark, hidden, () => screenPlaces(points, projection(bounds, camera, width, height)));
  const chosen = lasso.chosen.value;
  const groups = useMemo(() => cloudGroups(mark, hidden, chosen, page), [mark, hidden, chosen, page]);
  const picked = useRef({ ...nothingPicked(), depth: new Float32Array(0) }).current;
  const reading = useSignal<Reading | null>(null);
  const draw = useCallback<DrawSpace>(
    (out, across, down, ratio, seenFrom) => {
      if (picked.pick.length !== out.length) {
        picked.pick = new Uint32Array(out.length);
        picked.depth = new Float32Array(out.length);
      }
      Object.assign(picked, { width: across, height: down, ratio });
      const options = { points, ...groups, ...pointLook(points.length / 3, ratio) };
      drawCloud3(out, picked.pick, picked.depth, across, down, options, projection(bounds, seenFrom, across, down));
    },
    [points, groups, bounds],
  );
  const axes = useMemo(() => [panel.x, panel.y, { ...panel.y, label: "", unit: "" }].map(linear) as [Axis, Axis, Axis], [panel]);
  if (!points.length) return <Nothing />;
  const read = (x: number, y: number) => {
    const point = pointAt(picked, x, y);
    return point < 0 ? null : pointReading(mark, panel, point, x, y);
  };
  return (
    <Space name={name} label={panel.title || "Points"} width={width} height={height} bounds={bounds} rise={1} axes={axes}
      draw={draw} read={read} reading={reading} lasso={lasso} />
  );
}

function floats(mark: Cloud): Float32Array | Float64Array {
  const { values } = mark.points;
  return values instanceof Float32Array || values instanceof Float64Array ? values : Float32Array.from(values);
}

function screenPlaces(points: Float32Array | Float64Array, by: Float64Array): Float64Array {
  const places = projectCloud(points, by);
  return Float64Array.from({ length: (places.length / 3) * 2 }, (_, index) => places[3 * (index >> 1) + (index & 1)]!);
}
