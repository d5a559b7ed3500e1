import assert from "node:assert/strict";
import { test } from "node:test";
import { LatestWins } from "../src/source.js";
import { decodeState, encodeState, fromHash, initialState, intoHash, setEntry, storeOf, stateOf, toggleHidden, type State } from "../src/state.js";

const SET: State = {
  hidden: ["box red a~b&c=d", "漢"], smoothing: 0.97, windows: { "0": [0.1, 1 / 3, -1e-300, 2] },
  cameras: { "1.0": [-0.9, 0.5, 1.25] }, places: { "1.0": 7 }, parameters: { rate: 0.1, mode: "eval", on: true },
};

test("a state survives its way through an address exactly", () => {
  const hash = intoHash("#picture-3", "f 1", encodeState(SET));
  assert.match(hash, /^#picture-3~f%201=/);
  assert.deepEqual(decodeState(fromHash(hash, "f 1")), SET);
});

test("pictures do not touch each other's part of an address, nor the anchor", () => {
  const first = intoHash("", "a", encodeState(SET));
  const both = intoHash(first, "b", encodeState({ ...initialState(), smoothing: 0 }));
  assert.deepEqual(decodeState(fromHash(both, "a")), SET);
  assert.equal(decodeState(fromHash(both, "b")).smoothing, 0);
  assert.equal(intoHash(intoHash(both, "a", ""), "b", ""), "");
  assert.equal(intoHash("#anchor", "a", ""), "#anchor");
});

test("nothing set is nothing in the address", () => {
  assert.equal(encodeState(initialState()), "");
});

test("a damaged address sets nothing", () => {
  for (const text of ["", "%", "null", "[]", "%7B%22w%22:%7B%220%22:[1,2,3]%7D%7D", "%7B%22s%22:2%7D", "%7B%22h%22:[1]%7D"]) {
    assert.deepEqual(decodeState(text), initialState(), text);
  }
});

test("a store is changed by entries and switches", () => {
  const store = storeOf(initialState());
  setEntry(store.places, "x", 3);
  toggleHidden(store, "a");
  toggleHidden(store, "b");
  toggleHidden(store, "a");
  assert.deepEqual(stateOf(store), { ...initialState(), places: { x: 3 }, hidden: ["b"] });
  setEntry(store.places, "x", null);
  assert.deepEqual(store.places.value, {});
});

test("of many requests the latest is shown, and one runs at a time", async () => {
  const asked: number[] = [];
  const shown: number[] = [];
  const answers: (() => void)[] = [];
  const request = ({ n }: Readonly<Record<string, unknown>>) => {
    asked.push(n as number);
    return new Promise<ArrayBuffer>((resolve) => answers.push(() => resolve(new ArrayBuffer(n as number))));
  };
  const asking = new LatestWins({ kind: "live", request }, (frame) => shown.push(frame.byteLength), assert.fail);
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  for (let n = 1; n <= 20; n++) asking.ask({ n });
  assert.deepEqual(asked, [1]);
  answers[0]!();
  await settled();
  assert.deepEqual([asked, shown], [[1, 20], []]);
  answers[1]!();
  await settled();
  assert.deepEqual([asked, shown], [[1, 20], [20]]);
});

test("a request that fails is told, and the next one is answered", async () => {
  const failed: unknown[] = [];
  const shown: number[] = [];
  const request = async ({ n }: Readonly<Record<string, unknown>>) => {
    if (n === 1) throw new Error("no");
    return new ArrayBuffer(2);
  };
  const asking = new LatestWins({ kind: "live", request }, (frame) => shown.push(frame.byteLength), (error) => failed.push(error));
  asking.ask({ n: 1 });
  await new Promise((resolve) => setImmediate(resolve));
  asking.ask({ n: 2 });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([failed.length, shown], [1, [2]]);
});
