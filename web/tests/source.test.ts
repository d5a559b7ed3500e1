import assert from "node:assert/strict";
import { test } from "node:test";
import { appended } from "../src/append.js";
import { readFrame } from "../src/frame.js";
import { latestWins, nearestFrame, openSource } from "../src/source.js";
import type { Frame, Lines, Parameters } from "../src/types.js";
import { kernelOf, type Model } from "../src/widget.js";
import { bookOf, framed, lineHeader } from "./frames.js";

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

test("of many requests the latest wins, and one runs at a time", async () => {
  const asked: number[] = [];
  const shown: number[] = [];
  const answers: (() => void)[] = [];
  const request = ({ n }: Parameters) => {
    asked.push(n as number);
    return new Promise<ArrayBuffer>((resolve) => answers.push(() => resolve(new ArrayBuffer(n as number))));
  };
  const asking = latestWins(request, { frame: (frame) => shown.push(frame.byteLength), failed: assert.fail });
  for (let n = 1; n <= 20; n++) asking.ask({ n });
  assert.deepEqual(asked, [1]);
  answers[0]!();
  await settled();
  // While a slider is dragged the picture follows, though behind.
  assert.deepEqual([asked, shown], [[1, 20], [1]]);
  answers[1]!();
  await settled();
  assert.deepEqual([asked, shown], [[1, 20], [1, 20]]);
});

test("a request that fails is told, and the next one is answered; once stopped, nothing is shown", async () => {
  const failed: unknown[] = [];
  const shown: number[] = [];
  const request = async ({ n }: Parameters) => {
    if (n === 1) throw new Error("no");
    return new ArrayBuffer(2);
  };
  const asking = latestWins(request, { frame: (frame) => shown.push(frame.byteLength), failed: (error) => failed.push(error) });
  asking.ask({ n: 1 });
  await settled();
  asking.ask({ n: 2 });
  await settled();
  assert.deepEqual([failed.length, shown], [1, [2]]);
  asking.ask({ n: 3 });
  asking.close();
  await settled();
  assert.deepEqual(shown, [2]);
});

const RATE = { kind: "range", name: "rate", min: 0.01, max: 1, step: 0, log: true, stops: [0.01, 0.1, 1] };
const MODE = { kind: "choice", name: "mode", options: ["a", "b"] };

function page(rate: number, mode: string): ArrayBuffer {
  const controls = [{ ...MODE, value: mode }, { ...RATE, value: rate }];
  return framed(lineHeader({ dtype: "f32", shape: [0], at: 0 }, { parameters: { rate, mode }, controls }));
}

const PAGES = [page(0.1, "a"), page(0.01, "a"), page(1, "a"), page(0.1, "b"), page(0.01, "b")];

test("a book is opened at the page for its parameters, or at the nearest", () => {
  const frames = PAGES.map(readFrame);
  const found = (parameters: Parameters) => frames[nearestFrame(frames, parameters)]!.parameters;
  assert.deepEqual(found({}), { rate: 0.1, mode: "a" });
  assert.deepEqual(found({ rate: 0.01, mode: "b" }), { rate: 0.01, mode: "b" });
  assert.deepEqual(found({ rate: 0.04 }), { rate: 0.1, mode: "a" }, "by ratio, for the slider is logarithmic");
  assert.deepEqual(found({ rate: 1, mode: "b" }), { rate: 0.1, mode: "b" }, "an earlier control weighs more");
  assert.deepEqual(found({ mode: "c", other: 3 }), { rate: 0.1, mode: "a" });
});

test("a frozen source turns its pages", async () => {
  const shown: Parameters[] = [];
  const hear = { frame: (frame: ArrayBuffer) => shown.push(readFrame(frame).parameters), failed: assert.fail };
  const channel = openSource({ kind: "frozen", frame: bookOf(...PAGES) }, hear);
  for (const parameters of [{}, { rate: 1 }, { mode: "b" }] as Parameters[]) {
    channel.ask(parameters);
    await settled();
  }
  assert.deepEqual(shown, [{ rate: 0.1, mode: "a" }, { rate: 1, mode: "a" }, { rate: 0.1, mode: "b" }]);
  assert.equal(channel.exact, undefined);
});

function curve(values: number[], more: Record<string, unknown> = {}): Frame {
  const header = lineHeader({ dtype: "f32", shape: [values.length], at: 0 }, more);
  return readFrame(framed(header, Float32Array.from(values).buffer as ArrayBuffer));
}

test("new points stand behind those that are shown; words and events are replaced", () => {
  const shown = curve([1, 2]);
  const more = curve([3], { append: true });
  const event = { kind: "event", at: 3, text: "spike", level: "warn", axis: "x" } as const;
  const panel = more.figure.panels[0]!;
  const figure = { ...more.figure, verdict: "warn: it rises", panels: [{ ...panel, note: "3 steps", marks: [event, ...panel.marks] }] };
  const whole = appended(shown, { ...more, figure })!;
  const [first, line] = whole.figure.panels[0]!.marks as [unknown, Lines];
  assert.deepEqual([first, [...line.x.values], [...line.y.values], line.x.shape, line.low], [event, [1, 2, 3], [1, 2, 3], [3], null]);
  assert.deepEqual([whole.append, whole.figure.verdict, whole.figure.panels[0]!.note], [false, "warn: it rises", "3 steps"]);
  const again = appended(whole, more)!.figure.panels[0]!.marks[0] as Lines;
  assert.deepEqual([...again.y.values], [1, 2, 3, 3]);
});

test("points that belong to something else are not added", () => {
  const shown = curve([1, 2]);
  const more = curve([3], { append: true });
  const panel = more.figure.panels[0]!;
  const changed = (marks: readonly unknown[]) => ({ ...more, figure: { ...more.figure, panels: [{ ...panel, marks }] } }) as Frame;
  assert.equal(appended(null, more), null);
  assert.equal(appended(shown, { ...more, view: "other" }), null);
  assert.equal(appended(shown, { ...more, figure: { ...more.figure, panels: [panel, panel] } }), null);
  assert.equal(appended(shown, changed([...panel.marks, ...panel.marks])), null);
  assert.equal(appended(shown, changed([{ ...panel.marks[0], label: "another" }])), null);
  assert.equal(appended(shown, changed([{ kind: "table", columns: [], rows: [] }])), null);
});

test("a widget asks its kernel, and hears errors", async () => {
  const sent: unknown[] = [];
  let hear: Parameters2[1] | undefined;
  const model: Model = { send: (content) => sent.push(content), on: (_, to) => (hear = to), off: () => (hear = undefined) };
  const kernel = kernelOf(model);
  const first = kernel.request({ a: 1 });
  const second = kernel.request({ a: 2 });
  assert.deepEqual(sent, [{ id: 1, parameters: { a: 1 } }, { id: 2, parameters: { a: 2 } }]);
  const bytes = Uint8Array.from([9, 1, 2, 3]);
  hear!({ id: 2, error: "no such value" }, []);
  hear!({ id: 1 }, [new DataView(bytes.buffer, 1, 3)]);
  assert.deepEqual([...new Uint8Array(await first)], [1, 2, 3]);
  await assert.rejects(second, /^Error: no such value$/);
  kernel.stop();
  assert.equal(hear, undefined);
});

type Parameters2 = [event: string, hear: (message: { id?: number; error?: string }, buffers: readonly DataView[]) => void];
