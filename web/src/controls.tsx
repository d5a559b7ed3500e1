/** Controls: sliders, choices and switches, made from a list of what can be set; and the player of a path. */

import { useEffect, useRef } from "preact/hooks";
import { amount, exact } from "./words.js";
import type { Parameter } from "./types.js";

/** Something that can be set. */
export type Control =
  | { readonly kind: "range"; readonly name: string; readonly label?: string; readonly min: number; readonly max: number;
      readonly step: number; readonly value: number }
  | { readonly kind: "choice"; readonly name: string; readonly label?: string; readonly options: readonly string[];
      readonly value: string }
  | { readonly kind: "toggle"; readonly name: string; readonly label?: string; readonly value: boolean };

/** Shows a control for each entry of a list. */
export function Controls({ controls, values, onChange }: {
  controls: readonly Control[]; values: Readonly<Record<string, Parameter>>; onChange: (name: string, value: Parameter) => void;
}) {
  return (
    <>
      {controls.map((control) => (
        <One control={control} value={values[control.name] ?? control.value} set={(value) => onChange(control.name, value)} />
      ))}
    </>
  );
}

function One({ control, value, set }: { control: Control; value: Parameter; set: (value: Parameter) => void }) {
  const label = control.label ?? control.name.replace(/_/g, " ");
  if (control.kind === "range") {
    const { min, max, step } = control;
    return <Slider label={label} min={min} max={max} step={step} value={Number(value)} words={exact(Number(value))} set={set} />;
  }
  if (control.kind === "choice") {
    return (
      <label class="control">
        <span>{label}</span>
        <select value={String(value)} onChange={(event) => set(event.currentTarget.value)} data-lm-suppress-shortcuts="true">
          {control.options.map((option) => <option value={option}>{option}</option>)}
        </select>
      </label>
    );
  }
  return (
    <label class="control">
      <input type="checkbox" checked={value === true} onChange={(event) => set(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}

/** A slider with its value in words. */
export function Slider({ label, min, max, step, value, words, set }: {
  label: string; min: number; max: number; step: number; value: number; words: string; set: (value: number) => void;
}) {
  return (
    <label class="control">
      <span>{label}</span>
      <input
        type="range" min={min} max={max} step={step} value={value} aria-valuetext={words} data-lm-suppress-shortcuts="true"
        onInput={(event) => set(event.currentTarget.valueAsNumber)}
      />
      <output>{words}</output>
    </label>
  );
}

const STEPS = 100;

/** The smoothing of all curves of a figure: about how many points one point of the bold line averages. */
export function Smoothing({ memory, set }: { memory: number | null; set: (memory: number | null) => void }) {
  // Even steps of the slider multiply the number of averaged points.
  const place = memory === null ? 0 : Math.round((-Math.log10(1 - memory) / 2.7) * STEPS);
  const points = memory === null ? 1 : 1 / (1 - memory);
  const words = memory === null ? "as drawn" : points < 1.05 ? "none" : `over about ${amount(Math.round(points), "point")}`;
  return (
    <span class="smoothing">
      <Slider label="Smoothing" min={0} max={STEPS} step={1} value={place} words={words}
        set={(now) => set(1 - 10 ** ((-2.7 * now) / STEPS))} />
      {memory !== null && <button type="button" onClick={() => set(null)}>As drawn</button>}
    </span>
  );
}

/** Plays, steps and scrubs along a path. */
export function Player({ count, place, words, set }: {
  count: number; place: number; words: string; set: (place: number) => void;
}) {
  const play = usePlay(count, place, set);
  const step = (by: number) => {
    play.stop();
    set(Math.min(Math.max(Math.round(place) + by, 0), count - 1));
  };
  return (
    <div class="player" role="group" aria-label="Along the path">
      <button type="button" class="icon" aria-label="One step back" onClick={() => step(-1)}><Icon path="M10 2v10L4 7zM2 2h2v10H2z" /></button>
      <button type="button" class="icon main" aria-label={play.running ? "Pause" : "Play"} onClick={play.toggle}>
        <Icon path={play.running ? "M3 2h3v10H3zM8 2h3v10H8z" : "M3 1.5v11l9-5.5z"} />
      </button>
      <button type="button" class="icon" aria-label="One step on" onClick={() => step(1)}><Icon path="M4 2v10l6-5zM10 2h2v10h-2z" /></button>
      <input
        type="range" min={0} max={count - 1} step={1} value={Math.round(place)} aria-label="Place on the path"
        aria-valuetext={words} data-lm-suppress-shortcuts="true"
        onInput={(event) => {
          play.stop();
          set(event.currentTarget.valueAsNumber);
        }}
      />
      <output>{words}</output>
    </div>
  );
}

function Icon({ path }: { path: string }) {
  return <svg width={14} height={14} aria-hidden="true"><path d={path} fill="currentColor" /></svg>;
}

/** Moves a place along, frame by frame, until the end; begun at the end, it starts anew. */
function usePlay(count: number, place: number, set: (place: number) => void) {
  const state = useRef({ frame: 0, last: 0, place, count, set });
  Object.assign(state.current, { place, count, set });
  const seconds = Math.min(Math.max(count / 15, 3), 12);
  const stop = () => {
    cancelAnimationFrame(state.current.frame);
    const running = state.current.frame !== 0;
    state.current.frame = 0;
    if (running) state.current.set(Math.round(state.current.place));
  };
  const advance = (now: number) => {
    const { last, count: points } = state.current;
    const next = state.current.place + ((now - last) / 1000) * ((points - 1) / seconds);
    state.current.last = now;
    state.current.frame = next < points - 1 ? requestAnimationFrame(advance) : 0;
    state.current.set(Math.min(next, points - 1));
  };
  const toggle = () => {
    if (state.current.frame) return stop();
    if (place >= count - 1) state.current.place = 0;
    state.current.last = performance.now();
    state.current.frame = requestAnimationFrame(advance);
    state.current.set(state.current.place);
  };
  useEffect(() => () => cancelAnimationFrame(state.current.frame), []);
  return { running: state.current.frame !== 0, toggle, stop };
}
