import assert from "node:assert/strict";
import { test } from "node:test";
import { lineTo, type Socket } from "../src/explorer/line.js";
import { pausing } from "../src/explorer/places.js";

class FakeSocket {
  binaryType: BinaryType = "blob";
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly sent: Record<string, unknown>[] = [];

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  open(): void {
    this.readyState = 1;
    this.onopen!();
  }

  close(): void {
    this.readyState = 3;
    this.onclose!();
  }
}

function started() {
  const sockets: FakeSocket[] = [];
  const line = lineTo(() => {
    sockets.push(new FakeSocket());
    return sockets.at(-1) as unknown as Socket;
  });
  return { line, sockets };
}

function pictureFor(id: number, ...bytes: number[]): ArrayBuffer {
  const message = new Uint8Array(8 + bytes.length);
  new DataView(message.buffer).setUint32(0, id, true);
  message.set(bytes, 8);
  return message.buffer;
}

test("many wishes share one socket, and each hears its own answers", () => {
  const { line, sockets } = started();
  const heard: unknown[] = [];
  const one = line.want({ frame: (frame) => heard.push([1, ...new Uint8Array(frame)]), failed: (error) => heard.push(error.message) });
  const two = line.want({ html: (html) => heard.push(html), failed: assert.fail });
  one.ask({ ask: "view", view: "v" });
  two.ask({ ask: "part", part: "runs" });
  const [socket] = sockets as [FakeSocket];
  assert.deepEqual([sockets.length, socket.sent, socket.binaryType], [1, [], "arraybuffer"]);
  socket.open();
  assert.deepEqual(socket.sent, [{ id: one.id, ask: "view", view: "v" }, { id: two.id, ask: "part", part: "runs" }]);
  socket.onmessage!({ data: pictureFor(one.id, 7) });
  socket.onmessage!({ data: JSON.stringify({ id: two.id, html: "<p>" }) });
  socket.onmessage!({ data: JSON.stringify({ id: one.id, error: "no" }) });
  assert.deepEqual(heard, [[1, 7], "<p>", "no"]);
});

test("what is no longer wanted is not heard", () => {
  const { line, sockets } = started();
  const wish = line.want({ frame: assert.fail, failed: assert.fail });
  wish.ask({ ask: "view" });
  sockets[0]!.open();
  wish.stop();
  wish.stop();
  assert.deepEqual(sockets[0]!.sent.slice(1), [{ id: wish.id, ask: "stop" }]);
  sockets[0]!.onmessage!({ data: pictureFor(wish.id, 7) });
  sockets[0]!.onmessage!({ data: pictureFor(99, 7) });
});

test("a broken line is made anew after growing pauses, and everything is asked again", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { line, sockets } = started();
  const wish = line.want({ failed: assert.fail });
  const stopped = line.want({ failed: assert.fail });
  wish.ask({ ask: "view", n: 1 });
  stopped.ask({ ask: "view" });
  sockets[0]!.open();
  stopped.stop();
  sockets[0]!.close();
  wish.ask({ ask: "view", n: 2 });
  assert.equal(line.status.value, "Connection lost, trying again…");
  for (const [pause, count] of [[499, 1], [1, 2]] as const) {
    context.mock.timers.tick(pause);
    assert.equal(sockets.length, count);
  }
  sockets[1]!.close();
  context.mock.timers.tick(999);
  assert.equal(sockets.length, 2);
  context.mock.timers.tick(1);
  for (let time = 0; time < 10; time++) {
    sockets.at(-1)!.close();
    context.mock.timers.tick(15_000);
  }
  assert.match(line.status.value, /^Connection lost, trying again… Was pellucid stopped\? Start it again/);
  const socket = sockets.at(-1)!;
  socket.open();
  assert.equal(line.status.value, "");
  assert.deepEqual(socket.sent, [{ id: wish.id, ask: "view", n: 2 }]);
});

test("exact numbers are asked for and answered; NaN has no word in JSON", async () => {
  const { line, sockets } = started();
  await assert.rejects(line.value(1, 0, [0]), /^Error: connection lost$/);
  line.want({ failed: assert.fail }).ask({ ask: "view" });
  sockets[0]!.open();
  const answers = [0.25, null].map((value) => {
    const answer = line.value(1, 2, [3, 4]);
    const { id, ...rest } = sockets[0]!.sent.at(-1)!;
    assert.deepEqual(rest, { ask: "value", of: 1, array: 2, index: [3, 4] });
    sockets[0]!.onmessage!({ data: JSON.stringify({ id, value }) });
    return answer;
  });
  assert.deepEqual(await Promise.all(answers), [0.25, NaN]);
  const refused = line.value(1, 9, [0]);
  sockets[0]!.onmessage!({ data: JSON.stringify({ id: sockets[0]!.sent.at(-1)!.id, error: "no array 9" }) });
  await assert.rejects(refused, /^Error: no array 9$/);
  const lost = line.value(1, 2, [3, 4]);
  sockets[0]!.close();
  await assert.rejects(lost, /^Error: connection lost$/);
});

test("a picture that is paused asks nothing, and afterwards for the latest", () => {
  const { line, sockets } = started();
  const source = pausing(line, { ask: "view", view: "v" });
  const channel = source.open({ frame: assert.fail, failed: assert.fail });
  channel.ask({ a: 1 });
  assert.equal(sockets.length, 0);
  source.resume();
  sockets[0]!.open();
  source.pause();
  channel.ask({ a: 2 });
  source.resume();
  source.resume();
  assert.deepEqual(sockets[0]!.sent.map(({ ask, parameters }) => [ask, parameters]), [
    ["view", { a: 1 }], ["stop", undefined], ["view", { a: 2 }],
  ]);
});
