/** The small image that a point stands for. */

import { h } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { NDArray } from "./types.js";

/** Draws one image of [image, height, width] in greys, or of [image, height, width, 3] in its colours. */
export function Thumbnail({ images, place }: { images: NDArray; place: number }) {
  const element = useRef<HTMLCanvasElement>(null);
  const [, height, width, depth = 1] = images.shape as [number, number, number, number?];
  useLayoutEffect(() => {
    const size = height * width * depth;
    const values = images.values.subarray(place * size, (place + 1) * size);
    const image = new ImageData(width, height);
    const [low, high] = depth === 3 ? [0, 1] : [Math.min(...values), Math.max(...values)];
    for (let pixel = 0; pixel < height * width; pixel++) {
      for (let part = 0; part < 3; part++) {
        const value = values[depth === 3 ? 3 * pixel + part : pixel]!;
        image.data[4 * pixel + part] = (255 * (value - low)) / (high - low || 1);
      }
      image.data[4 * pixel + 3] = 255;
    }
    element.current?.getContext("2d")?.putImageData(image, 0, 0);
  }, [images, place]);
  return <canvas ref={element} class="thumb" width={width} height={height} />;
}
