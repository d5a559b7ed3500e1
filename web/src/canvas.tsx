/** A canvas that a rasteriser fills. */

import { h } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** Fills a picture; `ratio` is device pixels a CSS pixel. */
export type Draw = (out: Uint32Array, width: number, height: number, ratio: number) => void;

/** Returns device pixels a CSS pixel; beyond 2 nothing can be told apart, and it costs. */
export function pixelRatio(): number {
  return Math.min(Math.max(globalThis.devicePixelRatio || 1, 1), 2);
}

interface Props {
  readonly left?: number;
  readonly top?: number;
  readonly width: number;
  readonly height: number;
  readonly opacity?: number | undefined;
  /** Must be the same function as long as the picture is the same. */
  readonly draw: Draw;
}

/** Shows what `draw` paints, at the resolution of the screen. */
export function Raster({ left = 0, top = 0, width, height, opacity, draw }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const image = useRef<ImageData | null>(null);
  const ratio = pixelRatio();
  const [across, down] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  useLayoutEffect(() => {
    const element = canvas.current!;
    if (element.width !== across || element.height !== down) {
      element.width = across;
      element.height = down;
    }
    // Kept from picture to picture: a new one for each frame of an animation keeps the collector busy.
    if (image.current?.width !== across || image.current.height !== down) image.current = new ImageData(across, down);
    const out = new Uint32Array(image.current.data.buffer);
    out.fill(0);
    draw(out, across, down, ratio);
    element.getContext("2d")?.putImageData(image.current, 0, 0);
  }, [draw, across, down, ratio]);
  const place = { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px`, opacity };
  return <canvas ref={canvas} class="raster" style={place} aria-hidden />;
}
