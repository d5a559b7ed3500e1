import assert from "node:assert/strict";
import { test } from "node:test";
import { batch, computed, effect, signal } from "../src/signals.js";

test("an effect runs at once and whenever a value that it read became another", () => {
  const [one, other] = [signal(1), signal(10)];
  const seen: number[] = [];
  const stop = effect(() => seen.push(one.value > 1 ? other.value : one.value));
  other.value = 11;
  one.value = 2;
  one.value = 2;
  other.value = 12;
  stop();
  other.value = 13;
  assert.deepEqual(seen, [1, 11, 12]);
});

test("what is no longer read is no longer heard", () => {
  const [first, second, choice] = [signal("a"), signal("b"), signal(true)];
  let runs = 0;
  effect(() => {
    runs++;
    return void (choice.value ? first.value : second.value);
  });
  choice.value = false;
  first.value = "c";
  assert.equal(runs, 2);
  second.value = "d";
  assert.equal(runs, 3);
});

test("a computed value is made when asked for, once, and tells only when it became another", () => {
  const place = signal(1);
  let made = 0;
  const half = computed(() => (made++, Math.floor(place.value / 2)));
  assert.equal(made, 0);
  assert.deepEqual([half.value, half.value, half.peek(), made], [0, 0, 0, 1]);
  place.value = 2;
  assert.deepEqual([half.value, made], [1, 2]);
  const seen: number[] = [];
  const stop = effect(() => seen.push(half.value));
  place.value = 3;
  place.value = 4;
  assert.deepEqual(seen, [1, 2]);
  stop();
  place.value = 8;
  assert.deepEqual([seen.length, half.value], [2, 4]);
});

test("computed values of computed values never show a mixture", () => {
  const value = signal(1);
  const double = computed(() => 2 * value.value);
  const sum = computed(() => value.value + double.value);
  const seen: number[] = [];
  effect(() => seen.push(sum.value));
  value.value = 2;
  assert.deepEqual(seen, [3, 6]);
});

test("a batch is heard of once, at its end", () => {
  const [one, other] = [signal(1), signal(2)];
  const seen: number[] = [];
  effect(() => seen.push(one.value + other.value));
  batch(() => {
    one.value = 5;
    batch(() => (other.value = 6));
    assert.deepEqual(seen, [3]);
  });
  assert.deepEqual(seen, [3, 11]);
});

test("an effect tidies up before it runs again and when it is stopped", () => {
  const value = signal(1);
  const log: string[] = [];
  const stop = effect(() => {
    const now = value.value;
    log.push(`in ${now}`);
    return () => log.push(`out ${now}`);
  });
  value.value = 2;
  stop();
  assert.deepEqual(log, ["in 1", "out 1", "in 2", "out 2"]);
});

test("an effect may set another value, and peeking subscribes to nothing", () => {
  const [from, to] = [signal(1), signal(0)];
  const seen: number[] = [];
  effect(() => (to.value = from.value * 2));
  effect(() => seen.push(to.value));
  effect(() => from.peek());
  from.value = 3;
  assert.deepEqual([to.peek(), seen], [6, [2, 6]]);
});

test("an error in an effect or a computed value leaves the others alive", () => {
  const value = signal(0);
  const broken = computed(() => {
    if (value.value === 1) throw new Error("one");
    return value.value;
  });
  assert.equal(broken.value, 0);
  value.value = 1;
  assert.throws(() => broken.value, /^Error: one$/);
  assert.throws(() => broken.value, /^Error: one$/);
  value.value = 2;
  assert.equal(broken.value, 2);
});
