/** A part of a picture as one SVG, just as it is seen: letters stay letters, curves stay curves. */

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 20;

/** What a snapshot collects; places count from the corner of the part. */
interface Collected {
  readonly out: string[];
  readonly home: DOMRect;
  readonly root: Element;
}

/**
 * Returns an SVG of an element as it is seen now.
 *
 * @param element - A figure or a panel.
 * @param root - Carries the variables of the theme.
 * @returns The SVG and its size in pixels. Pictures of cells and points are embedded at the resolution of the screen.
 */
export function snapshot(element: Element, root: Element): { svg: string; width: number; height: number } {
  const home = element.getBoundingClientRect();
  const collected: Collected = { out: [], home, root };
  walk(element, collected);
  const [width, height] = [Math.ceil(home.width) + 2 * MARGIN, Math.ceil(home.height) + 2 * MARGIN];
  const paper = getComputedStyle(root).getPropertyValue("--paper").trim() || "#ffffff";
  const svg =
    `<svg xmlns="${SVG}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<rect width="${width}" height="${height}" fill="${paper}"/>` +
    `<g transform="translate(${MARGIN} ${MARGIN})">${collected.out.join("")}</g></svg>`;
  return { svg, width, height };
}

function walk(element: Element, into: Collected): void {
  const style = getComputedStyle(element);
  if (style.display === "none" || style.visibility === "hidden") return;
  if (element.matches(".unseen, .tools, .menu, .controls, .player button, .player input, .tip, dialog, [data-fleeting]")) return;
  if (element instanceof SVGSVGElement) return embedSvg(element, into);
  if (element instanceof HTMLCanvasElement) return embedCanvas(element, into);
  ground(element, style, into);
  for (const child of element.childNodes) {
    if (child instanceof Text) letters(child, style, into);
    else if (child instanceof Element) walk(child, into);
  }
}

function embedSvg(element: SVGSVGElement, into: Collected): void {
  const copy = element.cloneNode(true) as SVGSVGElement;
  const originals = [...element.querySelectorAll("text, polygon.strong")];
  copy.querySelectorAll("text").forEach((text, place) => setFont(text, originals[place]));
  const { x, y } = placeOf(element.getBoundingClientRect(), into);
  const { opacity } = getComputedStyle(element.closest("button") ?? element);
  copy.setAttribute("xmlns", SVG);
  for (const [name, value] of Object.entries({ x, y, overflow: "visible", opacity })) copy.setAttribute(name, String(value));
  into.out.push(resolved(new XMLSerializer().serializeToString(copy), into.root));
}

/** The letters and colours that rules of the page give to a text. */
function setFont(text: Element, original: Element | undefined): void {
  if (!original) return;
  const style = getComputedStyle(original);
  const names = ["font-family", "font-size", "font-weight"];
  if (!text.getAttribute("fill")) names.push("fill");
  if (text.classList.contains("halo")) names.push("stroke", "stroke-width", "paint-order");
  for (const name of names) text.setAttribute(name, style.getPropertyValue(name));
}

/** Variables mean nothing outside the page. */
function resolved(text: string, root: Element): string {
  const style = getComputedStyle(root);
  return text.replace(/var\((--[\w-]+)\)/g, (whole, name: string) => style.getPropertyValue(name).trim() || whole);
}

function embedCanvas(element: HTMLCanvasElement, into: Collected): void {
  const box = element.getBoundingClientRect();
  const { x, y } = placeOf(box, into);
  const size = `x="${x}" y="${y}" width="${box.width}" height="${box.height}" opacity="${getComputedStyle(element).opacity}"`;
  into.out.push(`<image ${size} href="${element.toDataURL("image/png")}" style="image-rendering:pixelated"/>`);
}

/** Background and lower border of an element, where it has them. */
function ground(element: Element, style: CSSStyleDeclaration, into: Collected): void {
  const box = element.getBoundingClientRect();
  const { x, y } = placeOf(box, into);
  const fill = (colour: string, height: number, radius = 0) =>
    into.out.push(`<rect x="${x}" y="${y + box.height - height}" width="${box.width}" height="${height}" rx="${radius}" fill="${colour}"/>`);
  if (!isClear(style.backgroundColor) && element.matches("span, i, th, td, code")) {
    fill(style.backgroundColor, box.height, Number.parseFloat(style.borderRadius) || 0);
  }
  const below = Number.parseFloat(style.borderBottomWidth);
  if (below > 0 && element.matches("th, td")) fill(style.borderBottomColor, below);
}

function isClear(colour: string): boolean {
  return colour === "transparent" || /,\s*0\)$|\/\s*0\)$/.test(colour);
}

/** Each line of a text, as the page has broken it. */
function letters(text: Text, style: CSSStyleDeclaration, into: Collected): void {
  if (!text.data.trim()) return;
  const size = Number.parseFloat(style.fontSize);
  const look = `font-family="${escaped(style.fontFamily)}" font-size="${size}" font-weight="${style.fontWeight}" fill="${style.color}"`;
  for (const line of linesOf(text)) {
    const { x, y } = placeOf(line.box, into);
    const base = y + line.box.height / 2 + 0.345 * size;
    into.out.push(`<text x="${x}" y="${base.toFixed(2)}" ${look} xml:space="preserve">${escaped(line.words)}</text>`);
  }
}

function linesOf(text: Text): { words: string; box: DOMRect }[] {
  const range = document.createRange();
  const found: { words: string; box: DOMRect }[] = [];
  for (const match of text.data.matchAll(/\S+/g)) {
    range.setStart(text, match.index);
    range.setEnd(text, match.index + match[0].length);
    const box = range.getClientRects()[0];
    if (!box) continue;
    const last = found.at(-1);
    if (last && Math.abs(last.box.top - box.top) < 3) last.words += ` ${match[0]}`;
    else found.push({ words: match[0], box });
  }
  return found;
}

function placeOf(box: DOMRect, into: Collected): { x: number; y: number } {
  const round = (value: number) => Math.round(value * 100) / 100;
  return { x: round(box.left - into.home.left), y: round(box.top - into.home.top) };
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

/**
 * Draws an SVG into a PNG.
 *
 * @param svg - From `snapshot`.
 * @param width - Pixels of the SVG.
 * @param height - Pixels of the SVG.
 * @param ratio - Pixels of the PNG a pixel of the SVG.
 */
export async function pngOf(svg: string, width: number, height: number, ratio: number): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The browser made no picture."))), "image/png"),
  );
}
