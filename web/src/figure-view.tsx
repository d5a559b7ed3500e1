/** A figure: title, verdict, controls, key, panels in columns, caveat. */

import { Fragment, h } from "preact";
import { useMemo } from "preact/hooks";
import { Controls, Opacity, Smoothing } from "./controls.js";
import { hasSmoothing, isAveraged } from "./curves.js";
import { KeyView } from "./key-view.js";
import { layoutOf } from "./layout.js";
import { PanelView } from "./panel.js";
import { useScene } from "./scene.js";
import { Summary } from "./summary.js";
import { levelColour } from "./theme.js";
import { SaveMenu } from "./tools.js";
import type { Figure, Heat } from "./types.js";
import { LEVEL_SYMBOLS, levelWord, plain } from "./words.js";

/** Draws the figure of the frame that a scene shows now. */
export function FigureView() {
  const scene = useScene();
  const { figure, controls } = scene.frame.value;
  const room = scene.width.value;
  const layout = useMemo(() => layoutOf(figure, room, scene.measure), [figure, room]);
  const smoothing = useMemo(() => hasSmoothing(figure), [figure]);
  const { store } = scene;
  const over = figure.panels.flatMap(({ marks }) => marks).find((mark) => mark.kind === "heat" && mark.under && mark.opacity) as Heat | undefined;
  return (
    <>
      <header class="head">
        <h4>{plain(figure.title)}</h4>
        <span class="status" role="status">{scene.status.value}</span>
        <SaveMenu panel={null} />
      </header>
      <Verdict figure={figure} />
      {figure.alt && <p class="unseen">{plain(figure.alt)}</p>}
      {scene.problem.value && <p class="problem" role="alert">{scene.problem.value}</p>}
      {controls.length > 0 && <div class="controls" role="group" aria-label="What can be set"><Controls /></div>}
      {smoothing && <Smoothing own={isAveraged(figure)} memory={store.smoothing.value} set={(memory) => (store.smoothing.value = memory)} />}
      {over && <Opacity value={store.opacity.value ?? over.opacity!} set={(opacity) => (store.opacity.value = opacity)} />}
      <KeyView entries={layout.common} name="all" />
      <div class="panels" style={{ gridTemplateColumns: `repeat(${layout.across}, minmax(0, 1fr))` }}>
        {layout.plans.map((plan, place) => <PanelView plan={plan} place={place} />)}
      </div>
      {figure.caveat && <p class="caveat">{plain(figure.caveat)}</p>}
      <Summary figure={figure} />
    </>
  );
}

function Verdict({ figure }: { figure: Figure }) {
  const { level } = figure;
  if (!figure.verdict) return null;
  const text = plain(figure.verdict).replace(new RegExp(`^${level}: `), "");
  return (
    <p class="verdict" style={{ color: levelColour(level) }}>
      <b><span aria-hidden>{LEVEL_SYMBOLS[level]} </span>{levelWord(level)}:</b> {text}
    </p>
  );
}
