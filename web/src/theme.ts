/** The one look: light and dark, the same colours as core/theme.py. */

import { signal, type ReadonlySignal } from "./signals.js";
import type { Page } from "./raster/colors.js";
import type { Level, Tone } from "./types.js";

/** Colours of one background. */
export interface Theme {
  readonly paper: string;
  readonly ink: string;
  readonly muted: string;
  readonly faint: string;
  readonly tones: Readonly<Record<Tone, string>>;
}

/** Dark ink on white paper. */
export const LIGHT: Theme = {
  paper: "#ffffff", ink: "#1d2127", muted: "#5b6470", faint: "#dfe3e8",
  tones: {
    accent: "#2b6cb0", second: "#c2570c", third: "#0e8a7d", fourth: "#a23e8c", fifth: "#544c00", faint: "#aab2bd",
    ok: "#1b7a43", look: "#2a68ad", warn: "#9a5b00", alarm: "#bf2f2a", dead: "#bf2f2a", sparse: "#8a94a3",
  },
};

/** Light ink on near-black paper. */
export const DARK: Theme = {
  paper: "#15181d", ink: "#eceae6", muted: "#a3abb6", faint: "#323841",
  tones: {
    accent: "#6fabe6", second: "#f0954f", third: "#4fd6b4", fourth: "#c76bb8", fifth: "#e6d96a", faint: "#59626e",
    ok: "#5cc98a", look: "#74b0ea", warn: "#e9b04c", alarm: "#ff7b70", dead: "#ff7b70", sparse: "#7d8795",
  },
};

/** Returns the CSS variables of a theme as declarations. */
export function declarations(theme: Theme): string {
  const ground = (["paper", "ink", "muted", "faint"] as const).map((name) => `--${name}:${theme[name]}`);
  return [...ground, ...Object.entries(theme.tones).map(([name, colour]) => `--tone-${name}:${colour}`)].join(";");
}

/**
 * Returns the rules that give a part of a page its colours: those of the reader's preference, unless the page
 * around it (a notebook, an editor, a switch of its own) says which it is.
 *
 * @param scope - Selector of the part.
 */
export function themeRules(scope: string): string {
  const [light, dark] = [declarations(LIGHT), declarations(DARK)];
  const hosts: [string, string][] = [
    ['[data-jp-theme-light="true"]', light], [".vscode-light", light], ['[data-theme="light"]', light],
    ['[data-jp-theme-light="false"]', dark], [".vscode-dark", dark], ['[data-theme="dark"]', dark],
  ];
  const switched = hosts.map(([host, colours]) => `${host} ${scope}{${colours}}`).join("");
  return `${scope}{${light}}@media (prefers-color-scheme:dark){${scope}{${dark}}}${switched}`;
}

/** Returns the colours of a page. */
export function themeOf(page: Page): Theme {
  return page === "dark" ? DARK : LIGHT;
}

/** Returns the CSS colour of a role. */
export function toneColour(tone: Tone): string {
  return `var(--tone-${tone})`;
}

/** Returns the CSS colour of a level. */
export function levelColour(level: Level): string {
  return level === "not-measured" ? "var(--muted)" : `var(--tone-${level})`;
}

/** Returns the opacity behind shaded text: never so strong that the ink is hard to read. */
export function tint(share: number): number {
  return 0.05 + 0.45 * Math.min(Math.abs(share), 1);
}

/** Returns the colour behind shaded text: red above 0 and blue below, or the accent for magnitudes. */
export function tintColour(share: number, signed: boolean): string {
  return toneColour(signed && share >= 0 ? "alarm" : "accent");
}

/** Tells on which paper an element lies, by the brightness of its own variable. */
export function pageOf(element: Element): Page {
  const paper = getComputedStyle(element).getPropertyValue("--paper").trim();
  return paper.toLowerCase() === DARK.paper ? "dark" : "light";
}

/**
 * Watches on which paper an element lies.
 *
 * @param element - Carries the variables.
 * @returns The page, and a function that stops watching.
 */
export function watchPage(element: Element): { page: ReadonlySignal<Page>; stop: () => void } {
  const page = signal(pageOf(element));
  const look = () => (page.value = pageOf(element));
  const preference = matchMedia("(prefers-color-scheme: dark)");
  preference.addEventListener("change", look);
  const observer = new MutationObserver(look);
  const filter = { attributes: true, attributeFilter: ["class", "data-theme", "data-jp-theme-light"] };
  for (const root of [document.documentElement, document.body]) observer.observe(root, filter);
  const stop = () => {
    preference.removeEventListener("change", look);
    observer.disconnect();
  };
  return { page, stop };
}
