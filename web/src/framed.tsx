/** The frame of a panel: marks with axes, and everything that can be done over them. */

import { useComputed, useSignal } from "./signals.js";
import { Fragment, h } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { Events, Grid, Limits, Ticks } from "./axes.js";
import { curvesOf, type Curve } from "./curves.js";
import { isFlat, isFramed } from "./extent.js";
import { Nothing } from "./guard.js";
import { entryOf } from "./key.js";
import { labelsOf, LANE } from "./labels.js";
import { LassoLine, LassoWords, useLasso, type Lasso } from "./lasso.js";
import type { FramePlan } from "./layout.js";
import { litOf } from "./lit.js";
import { BarsMark, CutBar } from "./marks/bars.js";
import { CloudMark, cloudReader, nothingPicked, type Picked } from "./marks/cloud.js";
import { HeatMark, heatReader } from "./marks/heat.js";
import { areMany, backOf, CurveDots, CurveLines, CurvesRaster } from "./marks/lines.js";
import { Selecting, type Box } from "./overlay.js";
import { plotOf, within, type Plot } from "./plot.js";
import { seriesReader } from "./readers.js";
import type { Reader, Reading } from "./reading.js";
import { rulersOf, type Rulers } from "./rulers.js";
import { valueAt } from "./scale.js";
import { useScene } from "./scene.js";
import { Stage, useFresh } from "./stage.js";
import { PanelTools } from "./tools.js";
import type { Bars, Mark, Panel } from "./types.js";
import { plain } from "./words.js";
import { frameGestures } from "./zooming.js";

interface Props {
  readonly panel: Panel;
  readonly plan: FramePlan;
  /** Place of the panel in its figure. */
  readonly name: string;
}

/** Draws the frame of a panel. */
export function Framed({ panel, plan, name }: Props) {
  const { store, pick } = useScene();
  const content = useContent(panel, plan, name);
  const { plot, reader, below, zoomed } = content;
  const reading = useSignal<Reading | null>(null);
  const said = useSignal<Reading | null>(null);
  const selecting = useSignal<Box | null>(null);
  const lasso = useLasso(panel, plot, store.hidden.value);
  useFresh(reader, reading, reader);
  const choose = pick && panel.marks.some((mark) => mark.kind === "heat")
    ? (x: number, y: number) => pick(valueAt(panel.x, plot.placeX(x)), valueAt(panel.y, plot.placeY(y)))
    : null;
  const gestures = frameGestures({ plot, plan, name, store, reader, reading, said, selecting, choose });
  return (
    <>
      <div class="above" style={{ paddingBottom: `${plan.lanes * LANE + 5}px` }}>{plan.yTitle}</div>
      <Stage
        kind="interactive plot" label={`${plain(panel.title) || "Plot"}. ${KEYS}`} chooses={!!choose} left={plan.left}
        height={plan.height} tall={plan.height + below + (plan.xTitle ? 17 : 0)} reading={reading} said={said}
        gestures={{ ...gestures, ...lasso.gestures }} over={<><Selecting box={selecting} /><LassoLine line={lasso.line} /></>}
      >
        {plan.extent.empty ? <Nothing height={plan.height} />
          : <Drawn plan={plan} name={name} content={content} lasso={lasso} />}
      </Stage>
      <LassoWords lasso={lasso} />
      <PanelTools name={name} zoomed={zoomed} lasso={lasso.possible ? lasso : null} />
    </>
  );
}

const KEYS = "Arrow keys read values, plus and minus zoom, 0 shows all, Escape leaves.";

/** What is in view of a frame now. */
type Content = ReturnType<typeof useContent>;

/** Prepares what is drawn; each step is done anew only when what it rests on has changed. */
function useContent(panel: Panel, plan: FramePlan, name: string) {
  const { store, measure } = useScene();
  const window = useComputed(() => store.windows.value[name]).value;
  const hidden = store.hidden.value;
  const memory = store.smoothing.value;
  const plot = useMemo(
    () => plotOf(panel, within(plan.extent, window), plan.width, plan.height), [panel, plan, window],
  );
  const rulers = useMemo(
    () => rulersOf(panel, plot.extent, plan.left + plan.width + plan.right, plan.height, measure, plan), [plot],
  );
  const marks = useMemo(() => panel.marks.filter((mark) => isShown(mark, hidden)), [panel, hidden]);
  const curves = useMemo(() => curvesOf({ ...panel, marks }, memory), [panel, marks, memory]);
  const picked = useRef<Picked>(nothingPicked()).current;
  const reader = useMemo(() => readerOf(marks, curves, plot, picked), [marks, curves, plot]);
  const labels = useMemo(() => {
    const most = window ? Math.max(plan.lanes, 1) : undefined;
    return plan.extent.empty ? [] : labelsOf(panel, plot.extent.x, plan.width, measure, most);
  }, [plot]);
  return { plot, rulers, marks, curves, picked, reader, labels, below: rulers.below, zoomed: window !== undefined };
}

/** The marks of a frame between its grid and its labels. */
function Drawn({ plan, name, content, lasso }: { plan: FramePlan; name: string; content: Content; lasso: Lasso }) {
  const scene = useScene();
  const { plot, rulers, marks, curves, picked, labels } = content;
  const [page, left, hidden] = [scene.page.value, plan.left, scene.store.hidden.value];
  const matrix = marks.some((mark) => mark.kind === "heat");
  return (
    <>
      {!matrix && <Ground plot={plot} plan={plan} rulers={rulers} />}
      {marks.map((mark) => mark.kind === "heat" && <HeatMark mark={mark} plot={plot} left={left} />)}
      {marks.map((mark) => isFlat(mark) && (
        <CloudMark mark={mark} plot={plot} page={page} left={left} hidden={hidden} chosen={lasso.chosen.value} picked={picked} />
      ))}
      {areMany(curves) && <CurvesRaster curves={curves} plot={plot} left={left} />}
      <svg class="front" width={left + plan.width + plan.right} height={plan.height + rulers.below} aria-hidden>
        <g transform={`translate(${left} 0)`}>
          <Vectors plot={plot} marks={marks} curves={curves} clip={`${scene.uid}-${name}`} />
          <Ticks plot={plot} rulers={rulers} floor={!matrix} title={plan.xTitle} measure={scene.measure} />
          <Events labels={labels} plot={plot} />
          <Limits plot={plot} side={plan.side} measure={scene.measure} />
        </g>
      </svg>
    </>
  );
}

function Ground({ plot, plan, rulers }: { plot: Plot; plan: FramePlan; rulers: Rulers }) {
  return (
    <svg class="back" width={plan.left + plan.width} height={plan.height + 1} aria-hidden>
      <g transform={`translate(${plan.left} 0)`}><Grid plot={plot} rulers={rulers} /></g>
    </svg>
  );
}

/** Bars and curves, back to front. */
function Vectors({ plot, marks, curves, clip }: {
  plot: Plot; marks: readonly Mark[]; curves: readonly Curve[]; clip: string;
}) {
  const of = new Map(curves.map((curve) => [curve.mark as Mark, curve]));
  const [many, back] = [areMany(curves), backOf(curves, litOf(useScene().root).value)];
  return (
    <>
      <clipPath id={clip}><rect x={0} y={-1} width={plot.width} height={plot.height + 2} /></clipPath>
      <g clip-path={`url(#${clip})`}>
        {marks.map((mark) => {
          if (mark.kind === "bars") return <BarsMark mark={mark} plot={plot} />;
          const curve = of.get(mark);
          if (!curve || (many && curve.rising)) return null;
          return <g opacity={back.has(curve) ? 0.15 : undefined}><CurveLines curve={curve} plot={plot} /></g>;
        })}
      </g>
      {marks.map((mark) => mark.kind === "bars" && <CutBar mark={mark} plot={plot} />)}
      {curves.map((curve) => !back.has(curve) && <CurveDots curve={curve} plot={plot} />)}
    </>
  );
}

/** A mark whose entry in the key is switched off is not drawn; neither is the raw curve under it. */
function isShown(mark: Mark, hidden: readonly string[]): boolean {
  const entry = entryOf(mark);
  return !entry || !hidden.includes(entry.id);
}

function readerOf(marks: readonly Mark[], curves: readonly Curve[], plot: Plot, picked: Picked): Reader {
  const framed = marks.filter(isFramed);
  const heat = framed.find((mark) => mark.kind === "heat");
  if (heat) return heatReader(heat, plot);
  const cloud = framed.find((mark) => mark.kind === "cloud");
  if (cloud) return cloudReader(cloud, plot, picked);
  const bars = framed.filter((mark): mark is Bars => mark.kind === "bars");
  return seriesReader(bars, curves, plot);
}
