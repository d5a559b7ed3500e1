/** The line to the server: one socket for everything that a page wants. */

import { signal, type ReadonlySignal } from "../signals.js";

/** What of a socket is used. */
export type Socket = Pick<WebSocket, "binaryType" | "readyState" | "send" | "onopen" | "onmessage" | "onclose">;

/** Who hears the answers to a wish. */
export interface Listener {
  frame?(frame: ArrayBuffer): void;
  html?(html: string): void;
  failed(error: Error): void;
}

/** Something that a page wants, and goes on wanting until it says otherwise. */
export interface Wish {
  readonly id: number;
  /** Asks, in place of what was asked before. */
  ask(message: Readonly<Record<string, unknown>>): void;
  /** Wants no more; nothing is heard until the next `ask`. */
  stop(): unknown;
}

/** The line to the server. */
export interface Line {
  /** How the line is, in words; "" while it holds. */
  readonly status: ReadonlySignal<string>;
  /** Returns a wish of which nothing is asked yet. */
  want(listener: Listener): Wish;
  /** Asks for one exact number of the picture that a wish shows. */
  value(of: number, array: number, index: readonly number[]): Promise<number>;
}

type Message = Readonly<Record<string, unknown>>;
type Said = { id: number; error?: string; html?: string; value?: number | null };
type Waiting = (error: string | undefined, value?: number) => void;

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;

/**
 * Returns a line to the server. It begins with the first wish; when it breaks, it is made anew after a pause, and all is
 * asked again.
 *
 * @param connect - Returns a socket that begins to connect.
 */
export function lineTo(connect: () => Socket): Line {
  const status = signal("");
  const messages = new Map<number, Message>();
  const listeners = new Map<number, Listener>();
  const values = new Map<number, Waiting>();
  let socket: Socket | null = null;
  let last = 0;
  let tries = 0;
  const say = (message: Message) => {
    const able = socket?.readyState === 1;
    if (able) socket!.send(JSON.stringify(message));
    return able;
  };
  const heard = (id: number) => (messages.has(id) ? listeners.get(id) : null);
  const hear = (data: string | ArrayBuffer) => {
    if (typeof data !== "string") return heard(new DataView(data).getUint32(0, true))?.frame?.(data.slice(8));
    const { id, error, html, value } = JSON.parse(data) as Said;
    const waiting = values.get(id);
    values.delete(id);
    // JSON has no word for NaN.
    if (waiting) waiting(error, value ?? NaN);
    else if (error) heard(id)?.failed(new Error(error));
    else heard(id)?.html?.(html!);
  };
  const lost = () => {
    values.forEach((waiting) => waiting("connection lost"));
    values.clear();
    status.value = `Connection lost, trying again…${++tries > 3 ? STOPPED : ""}`;
    setTimeout(open, Math.min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE));
  };
  const open = () => {
    socket = connect();
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      tries = 0;
      status.value = "";
      messages.forEach(say);
    };
    socket.onmessage = ({ data }: { data: string | ArrayBuffer }) => hear(data);
    socket.onclose = lost;
  };
  return {
    status,
    want(listener) {
      const id = ++last;
      listeners.set(id, listener);
      return {
        id,
        ask(asked) {
          const message = { id, ...asked };
          messages.set(id, message);
          say(message);
          if (!socket) open();
        },
        stop: () => messages.delete(id) && say({ id, ask: "stop" }),
      };
    },
    value: (of, array, index) =>
      new Promise((resolve, reject) => {
        const id = ++last;
        if (!say({ id, ask: "value", of, array, index })) return reject(new Error("connection lost"));
        values.set(id, (error, value) => (error ? reject(new Error(error)) : resolve(value!)));
      }),
  };
}

const STOPPED = " Was pellucid stopped? Start it again, and use the address that it prints.";
