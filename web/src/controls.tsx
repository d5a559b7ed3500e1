/** Controls: sliders, choices and switches, made from what a frame says can be set; and the player of a path. */

import { type ComponentChildren, Fragment, h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { fitted, lastPlace, movedTo, placeOf, shownValue } from "./control.js";
import { Pad } from "./pad.js";
import { useScene } from "./scene.js";
import type { Control, PadControl, Parameter, RangeControl } from "./types.js";
import { amount, exact, plain } from "./words.js";

/** Shows the controls of the frame that a scene shows now. */
export function Controls() {
  const { uid, store, frame, set } = useScene();
  const wanted = store.parameters.value;
  return (
    <>
      {frame.value.controls.map((control) => (
        <One key={control.name} control={control} id={`${uid}-${control.name}`} value={shownValue(control, wanted)}
          set={(value) => set({ [control.name]: value })} />
      ))}
    </>
  );
}

interface Props {
  readonly control: Control;
  /** Prefix of ids. */
  readonly id: string;
  readonly value: Parameter;
  readonly set: (value: Parameter) => void;
}

type Of<Kind, Value> = { control: Kind; id: string; value: Value; set: (value: Value) => void };
type SeveralControl = Extract<Control, { kind: "several" }>;

function One(props: Props) {
  const { control, id, value, set } = props;
  if (control.kind === "range") return <Range {...(props as Of<RangeControl, number>)} />;
  if (control.kind === "sketch") {
    return <Pad {...(props as Of<PadControl, string>)}><Help control={control} id={id} /></Pad>;
  }
  if (control.kind === "several") return <Group {...(props as Of<SeveralControl, readonly string[]>)} />;
  const described = { id, "aria-describedby": control.help && `${id}-help` };
  if (control.kind === "choice") {
    return (
      <Field control={control} id={id}>
        <select {...described} value={value as string} onChange={(event) => set(event.currentTarget.value)}>
          {control.options.map((option) => <option value={option}>{plain(option)}</option>)}
        </select>
      </Field>
    );
  }
  return (
    <div class="control">
      <label class="box">
        <input type="checkbox" {...described} checked={value === true} onChange={(event) => set(event.currentTarget.checked)} />
        {plain(control.label)}
      </label>
      <Help control={control} id={id} />
    </div>
  );
}

/** A control with its name before it and its help below. */
function Field({ control, id, children }: { control: Control; id: string; children: ComponentChildren }) {
  return (
    <div class="control">
      <label for={id}>{plain(control.label)}</label>
      {children}
      <Help control={control} id={id} />
    </div>
  );
}

function Help({ control, id }: { control: Control; id: string }) {
  return control.help ? <small id={`${id}-help`}>{plain(control.help)}</small> : null;
}

/** A number: a slider, and beside it a field for any value between the ends. */
function Range({ control, id, value, set }: Of<RangeControl, number>) {
  const { label, min, max, unit, help } = control;
  const [draft, setDraft] = useState<string | null>(null);
  const described = help && `${id}-help`;
  const enter = (text: string) => {
    setDraft(null);
    const number = Number.parseFloat(text);
    if (Number.isFinite(number) && number !== value) set(fitted(control, number));
  };
  return (
    <Field control={control} id={id}>
      <input
        type="range" id={id} min={0} max={lastPlace(control)} value={placeOf(control, value)}
        aria-valuetext={`${exact(value)} ${plain(unit)}`.trim()} aria-describedby={described}
        onInput={(event) => set(movedTo(control, value, event.currentTarget.valueAsNumber))}
      />
      <input
        type="number" min={min} max={max} step="any" value={draft ?? value}
        aria-label={`${plain(label)}, exactly`} title={`${exact(min)} to ${exact(max)}`}
        onInput={(event) => setDraft(event.currentTarget.value)} onChange={(event) => enter(event.currentTarget.value)}
      />
      {unit && <span>{plain(unit)}</span>}
    </Field>
  );
}

/** Any of several names. */
function Group({ control, id, value, set }: Of<SeveralControl, readonly string[]>) {
  return (
    <fieldset class="control" aria-describedby={control.help && `${id}-help`}>
      <legend>{plain(control.label)}</legend>
      <div>
        {control.options.map((option) => (
          <label class="box">
            <input type="checkbox" checked={value.includes(option)}
              onChange={({ currentTarget: { checked } }) =>
                set(control.options.filter((one) => (one === option ? checked : value.includes(one))))} />
            {plain(option)}
          </label>
        ))}
      </div>
      <Help control={control} id={id} />
    </fieldset>
  );
}

const [STEPS, OWN] = [100, "as in the figure"];

/** A slider that says in words what it sets; `set(null)` is what the figure has, and offered where `own` is true. */
function Slide({ name, place, words, own, set }: {
  name: string; place: number; words: string; own: boolean; set: (place: number | null) => void;
}) {
  return (
    <span class="smoothing">
      <label>
        {name}
        <input type="range" min={0} max={STEPS} value={place} aria-valuetext={words}
          onInput={(event) => set(event.currentTarget.valueAsNumber)} />
        <output>{words}</output>
      </label>
      {own && <button onClick={() => set(null)}>{OWN}</button>}
    </span>
  );
}

/**
 * The smoothing of all curves of a figure: about how many points one point of the bold line averages. With `own`, the
 * figure has averaged them itself, and that is what is shown until something else is set.
 */
export function Smoothing({ own, memory, set }: { own: boolean; memory: number | null; set: (memory: number | null) => void }) {
  // Even steps of the slider multiply the number of averaged points.
  const place = memory === null ? 0 : Math.round((-Math.log10(1 - memory) / 2.7) * STEPS);
  const points = memory === null ? 1 : 1 / (1 - memory);
  const words = memory === null && own ? OWN : points < 1.05 ? "none" : `over about ${amount(Math.round(points), "point")}`;
  return (
    <Slide name="Smoothing" place={place} words={words} own={memory !== null && own}
      set={(at) => set(at === null ? at : 1 - 10 ** ((-2.7 * at) / STEPS))} />
  );
}

/** How dense all matrices of a figure lie over their pictures. */
export function Opacity({ value, set }: { value: number; set: (value: number) => void }) {
  const place = Math.round(value * STEPS);
  return <Slide name="Opacity over the picture" place={place} words={`${place} %`} own={false} set={(at) => set(at! / STEPS)} />;
}

/** Plays, steps and scrubs along a path. */
export function Player({ count, place, words, set }: {
  count: number; place: number; words: string; set: (place: number) => void;
}) {
  const play = usePlay(count, place, set);
  const go = (to: number) => {
    play.stop();
    set(Math.min(Math.max(to, 0), count - 1));
  };
  const now = Math.round(place);
  return (
    <div class="player" role="group" aria-label="Along the path">
      <Icon name="One step back" act={() => go(now - 1)} path="M10 2v10L4 7zM2 2h2v10H2z" />
      <Icon name={play.running ? "Pause" : "Play"} look="main" act={play.toggle}
        path={play.running ? "M3 2h3v10H3zM8 2h3v10H8z" : "M3 1.5v11l9-5.5z"} />
      <Icon name="One step on" act={() => go(now + 1)} path="M4 2v10l6-5zM10 2h2v10h-2z" />
      <input type="range" min={0} max={count - 1} step={1} value={now} aria-label="Place on the path" aria-valuetext={words}
        onInput={(event) => go(event.currentTarget.valueAsNumber)} />
      <output>{words}</output>
    </div>
  );
}

function Icon({ name, path, look = "", act }: { name: string; path: string; look?: string; act: () => void }) {
  return (
    <button class={`icon ${look}`} aria-label={name} onClick={act}>
      <svg width={14} height={14} aria-hidden><path d={path} fill="currentColor" /></svg>
    </button>
  );
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
