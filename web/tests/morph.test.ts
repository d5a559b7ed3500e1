import assert from "node:assert/strict";
import { test } from "node:test";
import { morph } from "../src/explorer/morph.js";
import { made, type FakeNode } from "./fakedom.js";

function change(old: FakeNode, next: FakeNode): void {
  const expected = next.html;
  morph(old as unknown as Element, next as unknown as Element);
  assert.equal(old.html, expected);
}

const row = (key: string, words: string) => made("tr", {}, made("td", {}, made("input", { id: `pick-${key}` })), made("td", {}, words));
const list = (...rows: FakeNode[]) => made("div", {}, "\n", made("table", {}, made("tbody", {}, ...rows.flatMap((one) => ["\n", one]))));
const rowsOf = (page: FakeNode) => page.children[0]!.children[0]!.children;

test("what stays the same is not touched, and texts change in place", () => {
  const page = list(row("a", "running"), row("b", "finished"));
  const before = rowsOf(page);
  change(page, list(row("a", "finished"), row("b", "finished")));
  assert.deepEqual(rowsOf(page), before);
  assert.ok(before.every((one) => one.moves === 1));
});

test("rows belong together by the ids inside them; a new first row moves none", () => {
  const page = list(row("a", "1"), row("b", "2"));
  const before = rowsOf(page);
  change(page, list(row("new", "0"), row("a", "1"), row("b", "2")));
  assert.deepEqual(rowsOf(page).slice(1), before);
  assert.ok(before.every((one) => one.moves === 1));
  change(page, list(row("b", "2")));
  assert.deepEqual(rowsOf(page), [before[1]]);
  assert.equal(before[1]!.moves, 1);
});

test("rows that change places are the same rows", () => {
  const page = list(row("a", "1"), row("b", "2"), row("c", "3"));
  const [a, b, c] = rowsOf(page);
  change(page, list(row("c", "3"), row("a", "1"), row("b", "2")));
  assert.deepEqual(rowsOf(page), [c, a, b]);
});

test("details stay as the reader left them", () => {
  const page = made("div", {}, made("details", { id: "d", open: "", class: "old" }, "one"));
  morph(page as unknown as Element, made("div", {}, made("details", { id: "d" }, "two")) as unknown as Element);
  assert.equal(page.html, "<div><details id=d open=>two</details></div>");
  morph(page as unknown as Element, made("div", {}, made("p"), made("details", { id: "new", open: "" })) as unknown as Element);
  assert.equal(page.html, "<div><p></p><details id=new open=></details></div>");
});

test("a picture stays while it shows the same view, and is another when not", () => {
  const place = (view: string, run: string) => made("div", { "data-pellucid-view": view, "data-run": run }, "fallback");
  const page = made("div", {}, place("curves", "a"));
  const picture = page.children[0]!;
  picture.setAttribute("class", "pellucid");
  picture.childNodes[0]!.nodeValue = "drawn";
  morph(page as unknown as Element, made("div", {}, made("p", {}, "new"), place("curves", "a")) as unknown as Element);
  assert.equal(page.children[1], picture);
  assert.equal(picture.html, "<div data-pellucid-view=curves data-run=a class=pellucid>drawn</div>");
  change(page, made("div", {}, place("curves", "b")));
  assert.notEqual(page.children[0], picture);
});
