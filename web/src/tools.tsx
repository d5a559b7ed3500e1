/** Small buttons of a panel or a figure: show all, select, save. */

import { h } from "preact";
import { useRef } from "preact/hooks";
import { saveFigure, type Format } from "./download.js";
import type { Lasso } from "./lasso.js";
import { useScene } from "./scene.js";
import { setEntry } from "./state.js";

/** The buttons of one panel; they show when the panel is under the pointer or has the focus. */
export function PanelTools({ name, zoomed, lasso, onReset }: {
  name: string; zoomed: boolean; lasso: Lasso | null; onReset?: () => void;
}) {
  const { store } = useScene();
  const busy = zoomed || lasso?.active.value || lasso?.chosen.value;
  const reset = onReset ?? (() => setEntry(store.windows, name, null));
  return (
    <div class={`tools${busy ? " busy" : ""}`}>
      {lasso?.chosen.value && <button onClick={() => (lasso.chosen.value = null)}>Clear</button>}
      {lasso && (
        <button aria-pressed={lasso.active.value} onClick={() => (lasso.active.value = !lasso.active.value)}
          title="Draw a line around points">Select</button>
      )}
      {zoomed && <button onClick={reset} title="Or double-click, or the key 0">Show all</button>}
      {/^\d/.test(name) && <SaveMenu panel={Number.parseInt(name, 10)} />}
    </div>
  );
}

const FORMATS: readonly [Format, string][] = [
  ["png", "PNG picture"], ["svg", "SVG picture"], ["csv", "CSV values"], ["npz", "NPZ arrays"],
];

/** A menu that saves one panel, or with `panel` null the whole figure. */
export function SaveMenu({ panel }: { panel: number | null }) {
  const scene = useScene();
  const menu = useRef<HTMLDetailsElement>(null);
  const save = (format: Format) => {
    menu.current!.open = false;
    void saveFigure(scene, panel, format);
  };
  const leave = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !menu.current!.open) return;
    menu.current!.open = false;
    menu.current!.querySelector("summary")?.focus();
  };
  const outside = (event: FocusEvent) => {
    if (!menu.current!.contains(event.relatedTarget as Node | null)) menu.current!.open = false;
  };
  return (
    <details ref={menu} class="menu" onKeyDown={leave} onFocusOut={outside}>
      <summary aria-label={panel === null ? "Save the figure" : "Save the panel"}>Save</summary>
      <div class="menu-list">
        {FORMATS.map(([format, words]) => <button onClick={() => save(format)}>{words}</button>)}
      </div>
    </details>
  );
}
