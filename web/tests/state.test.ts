import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeState, encodeState, fromHash, initialState, intoHash, setEntry, setStore, storeOf, stateOf, toggleHidden, type State } from "../src/state.js";

const SET: State = {
  hidden: ["box red a~b&c=d", "漢"], smoothing: 0.97, opacity: 0.4, windows: { "0": [0.1, 1 / 3, -1e-300, 2] },
  cameras: { "1.0": [-0.9, 0.5, 1.25] }, places: { "1.0": 7 }, parameters: { rate: 0.1, mode: "eval", on: true, some: ["SGD", "Adam"] },
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
  for (const text of ["", "%", "null", "[]", "%7B%22w%22:%7B%220%22:[1,2,3]%7D%7D", "%7B%22s%22:2%7D", "%7B%22o%22:1.5%7D", "%7B%22o%22:null%7D", "%7B%22h%22:[1]%7D"]) {
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

test("a store takes a whole state at once", () => {
  const store = storeOf(initialState());
  setStore(store, SET);
  assert.deepEqual(stateOf(store), SET);
});
