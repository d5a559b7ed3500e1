/** The frame of a panel: marks with axes, and everything that can be done over them. */

import { useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { Events, Grid, Limits, Ticks } from "./axes.js";
import { curvesOf, type Curve } from "./curves.js";
import { isFramed } from "./extent.js";
import { entryOf } from "./key.js";
import { labelsOf, LANE } from "./labels.js";
import { LassoLine, LassoWords, useLasso, type Lasso } from "./lasso.js";
import type { FramePlan } from "./layout.js";
import { BarsMark, CutBar } from "./marks/bars.js";
import { CloudMark, cloudReader, nothingPicked, type Picked } from "./marks/cloud.js";
import { HeatMark, heatReader } from "./marks/heat.js";
import { CurveDots, CurveLines } from "./marks/lines.js";
import { Cursor, Selecting, Spoken, Tooltip, type Box } from "./overlay.js";
import { plotOf, within, type Plot } from "./plot.js";
import { useGestures } from "./pointer.js";
import { seriesReader } from "./readers.js";
import type { Reader, Reading } from "./reading.js";
import { rulersOf, type Rulers } from "./rulers.js";
import { useScene } from "./scene.js";
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
  const { store } = useScene();
  const content = useContent(panel, plan, name);
  const { plot, reader, below, zoomed } = content;
  const reading = useSignal<Reading | null>(null);
  const said = useSignal<Reading | null>(null);
  const selecting = useSignal<Box | null>(null);
  const lasso = useLasso(panel, plot, store.hidden.value);
  const stage = useRef<HTMLDivElement>(null);
  const gestures = frameGestures({ plot, plan, name, store, reader, reading, said, selecting });
  useGestures(stage, plan.left, { ...gestures, ...lasso.gestures });
  return (
    <>
      <div class="above" style={{ paddingBottom: `${plan.lanes * LANE + 5}px` }}>{plan.yTitle}</div>
      <div
        ref={stage} class="stage" tabIndex={0} role="application" aria-roledescription="interactive plot"
        aria-label={`${plain(panel.title) || "Plot"}. ${KEYS}`} data-lm-suppress-shortcuts="true"
        style={{ height: `${plan.height + below + (plan.xTitle ? 17 : 0)}px` }}
      >
        {plan.extent.empty ? <p class="nothing" style={{ height: `${plan.height}px` }}>nothing to show</p> : (
          <Drawn plan={plan} name={name} content={content} lasso={lasso}>
            <Cursor reading={reading} height={plan.height} />
            <Selecting box={selecting} />
            <LassoLine line={lasso.line} />
          </Drawn>
        )}
        <Tooltip reading={reading} left={plan.left} />
        <Spoken said={said} />
      </div>
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
    () => ({ ...rulersOf(panel, plot.extent, plan.width + plan.left, plan.height, measure), left: plan.left }), [plot],
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

/** The marks of a frame between its grid and its labels; on top of all, what follows the pointer. */
function Drawn({ plan, name, content, lasso, children }: {
  plan: FramePlan; name: string; content: Content; lasso: Lasso; children: ComponentChildren;
}) {
  const scene = useScene();
  const { plot, rulers, marks, curves, picked, labels } = content;
  const [page, left, hidden] = [scene.page.value, plan.left, scene.store.hidden.value];
  const matrix = marks.some((mark) => mark.kind === "heat");
  return (
    <>
      {!matrix && <Ground plot={plot} plan={plan} rulers={rulers} />}
      {marks.map((mark) => mark.kind === "heat" && <HeatMark mark={mark} plot={plot} page={page} left={left} />)}
      {marks.map((mark) => mark.kind === "cloud" && mark.points.shape[1] === 2 && (
        <CloudMark mark={mark} plot={plot} page={page} left={left} hidden={hidden} chosen={lasso.chosen.value} picked={picked} />
      ))}
      <svg class="front" width={left + plan.width + plan.side} height={plan.height + rulers.below} aria-hidden="true">
        <g transform={`translate(${left} 0)`}>
          <Vectors plot={plot} marks={marks} curves={curves} clip={`${scene.uid}-${name}`} />
          <Ticks plot={plot} rulers={rulers} floor={!matrix} title={plan.xTitle} measure={scene.measure} />
          <Events labels={labels} plot={plot} />
          <Limits plot={plot} side={plan.side} measure={scene.measure} />
          <g data-fleeting>{children}</g>
        </g>
      </svg>
    </>
  );
}

function Ground({ plot, plan, rulers }: { plot: Plot; plan: FramePlan; rulers: Rulers }) {
  return (
    <svg class="back" width={plan.left + plan.width} height={plan.height + 1} aria-hidden="true">
      <g transform={`translate(${plan.left} 0)`}><Grid plot={plot} rulers={rulers} /></g>
    </svg>
  );
}

/** Bars and curves, back to front. */
function Vectors({ plot, marks, curves, clip }: {
  plot: Plot; marks: readonly Mark[]; curves: readonly Curve[]; clip: string;
}) {
  const of = new Map(curves.map((curve) => [curve.mark as Mark, curve]));
  return (
    <>
      <clipPath id={clip}><rect x={0} y={-1} width={plot.width} height={plot.height + 2} /></clipPath>
      <g clip-path={`url(#${clip})`}>
        {marks.map((mark) => {
          if (mark.kind === "bars") return <BarsMark mark={mark} plot={plot} />;
          const curve = of.get(mark);
          return curve && <CurveLines curve={curve} plot={plot} />;
        })}
      </g>
      {marks.map((mark) => mark.kind === "bars" && <CutBar mark={mark} plot={plot} />)}
      {curves.map((curve) => <CurveDots curve={curve} plot={plot} />)}
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
