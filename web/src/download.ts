/** Saves a figure or one of its panels: as a picture, as a table, as arrays. */

import { npz } from "./saving/npz.js";
import { pngOf, snapshot } from "./saving/snapshot.js";
import { arraysOf, csv } from "./saving/values.js";
import type { Scene } from "./scene.js";
import type { Figure } from "./types.js";

/** What a file can be. */
export type Format = "png" | "svg" | "csv" | "npz";

/**
 * Saves a figure or a panel.
 *
 * @param scene - The picture.
 * @param panel - Which panel; null for the whole figure.
 * @param format - What the file is.
 */
export async function saveFigure(scene: Scene, panel: number | null, format: Format): Promise<void> {
  const whole = scene.frame.peek().figure;
  const figure = panel === null ? whole : { ...whole, panels: whole.panels.slice(panel, panel + 1) };
  const blob = await blobOf(scene, figure, panel, format);
  offer(blob, `${fileName(figure, panel)}.${format}`);
}

async function blobOf(scene: Scene, figure: Figure, panel: number | null, format: Format): Promise<Blob> {
  if (format === "csv") return new Blob(["\ufeff", csv(figure)], { type: "text/csv" });
  if (format === "npz") return new Blob([npz(arraysOf(figure))], { type: "application/zip" });
  const selector = panel === null ? ".figure" : `[data-panel="${panel}"]`;
  const element = scene.root.querySelector(selector) ?? scene.root;
  const { svg, width, height } = snapshot(element, scene.root);
  if (format === "svg") return new Blob([svg], { type: "image/svg+xml" });
  return pngOf(svg, width, height, 2);
}

/** Returns the name of a file without its ending: words of the titles, joined by hyphens. */
export function fileName(figure: Figure, panel: number | null): string {
  const words = [figure.title, panel === null ? "" : (figure.panels[0]?.title ?? "")].join(" ");
  const name = words.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
  return name.slice(0, 80) || "figure";
}

function offer(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
