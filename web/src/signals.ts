/** Values that know who reads them: when one is set, exactly those parts of a picture are drawn anew. */

import { Component, options, type VNode } from "preact";
import { useMemo, useRef } from "preact/hooks";

/** A value that can be read; reading it in a component, an effect or a computed value subscribes. */
export interface ReadonlySignal<Value> {
  readonly value: Value;
  /** Reads without subscribing. */
  peek(): Value;
}

/** A value that can be set. */
export interface Signal<Value> extends ReadonlySignal<Value> {
  value: Value;
}

/** What can be read. */
interface Source {
  /** Rises whenever the value becomes another. */
  version: number;
  /** Brings version and value up to date. */
  refresh(): void;
  join(reader: Reader): void;
  leave(reader: Reader): void;
}

/** What reads: the version of each source when it was last read. */
interface Reader {
  sources: Map<Source, number>;
  /** Hears of its sources; a computed value that nobody reads does not, and looks at them when asked. */
  readonly hears: boolean;
  /** A source may have changed. */
  stale(): void;
}

let current: Reader | null = null;
let depth = 0;
/** Rises with every value that is set. */
let age = 0;
const waiting = new Set<Watcher>();

function note(source: Source): void {
  if (!current) return;
  current.sources.set(source, source.version);
  if (current.hears) source.join(current);
}

/** Starts a reader's list anew; the function that comes back closes it and leaves what is no longer read. */
function reading(reader: Reader): () => void {
  const [before, old] = [current, reader.sources];
  reader.sources = new Map();
  current = reader;
  return () => {
    current = before;
    for (const source of old.keys()) if (!reader.sources.has(source)) source.leave(reader);
  };
}

function isFresh(reader: Reader): boolean {
  for (const [source, version] of reader.sources) {
    source.refresh();
    if (source.version !== version) return false;
  }
  return true;
}

/** Does several things before anybody hears of them. */
export function batch(act: () => void): void {
  depth++;
  try {
    act();
  } finally {
    if (depth === 1) {
      for (const watcher of waiting) {
        waiting.delete(watcher);
        if (!isFresh(watcher)) watcher.run();
      }
    }
    depth--;
  }
}

class Value<Kind> implements Source, Signal<Kind> {
  version = 0;
  readonly #readers = new Set<Reader>();
  #value: Kind;

  constructor(value: Kind) {
    this.#value = value;
  }

  get value(): Kind {
    note(this);
    return this.#value;
  }

  set value(next: Kind) {
    if (Object.is(next, this.#value)) return;
    this.#value = next;
    this.version++;
    age++;
    batch(() => [...this.#readers].forEach((reader) => reader.stale()));
  }

  peek(): Kind {
    return this.#value;
  }

  refresh(): void {}

  join(reader: Reader): void {
    this.#readers.add(reader);
  }

  leave(reader: Reader): void {
    this.#readers.delete(reader);
  }
}

class Computed<Kind> implements Source, Reader, ReadonlySignal<Kind> {
  version = 0;
  sources = new Map<Source, number>();
  readonly #readers = new Set<Reader>();
  readonly #make: () => Kind;
  #value!: Kind;
  #age = -1;
  /** Nothing was made yet, or making it failed. */
  #broken = true;

  constructor(make: () => Kind) {
    this.#make = make;
  }

  get hears(): boolean {
    return this.#readers.size > 0;
  }

  get value(): Kind {
    const value = this.peek();
    note(this);
    return value;
  }

  peek(): Kind {
    this.refresh();
    return this.#value;
  }

  refresh(): void {
    if (this.#age === age) return;
    if (this.#broken || !isFresh(this)) {
      const close = reading(this);
      this.#broken = true;
      try {
        const value = this.#make();
        if (!this.version || !Object.is(value, this.#value)) this.version++;
        this.#value = value;
        this.#broken = false;
      } finally {
        close();
      }
    }
    this.#age = age;
  }

  join(reader: Reader): void {
    if (!this.hears) for (const source of this.sources.keys()) source.join(this);
    this.#readers.add(reader);
  }

  leave(reader: Reader): void {
    this.#readers.delete(reader);
    if (!this.hears) for (const source of this.sources.keys()) source.leave(this);
  }

  stale(): void {
    [...this.#readers].forEach((reader) => reader.stale());
  }
}

/** Runs something when a value that it read became another. */
class Watcher implements Reader {
  sources = new Map<Source, number>();
  readonly hears = true;
  readonly run: () => void;

  constructor(run: () => void) {
    this.run = run;
  }

  stale(): void {
    waiting.add(this);
  }

  stop(): void {
    waiting.delete(this);
    reading(this)();
  }
}

/** Returns a value that can be set. */
export function signal<Kind>(value: Kind): Signal<Kind> {
  return new Value(value);
}

/** Returns a value that is made from others, anew only when one of them became another. */
export function computed<Kind>(make: () => Kind): ReadonlySignal<Kind> {
  return new Computed(make);
}

/**
 * Does something now, and again whenever a value that it read became another.
 *
 * @param act - May return a function that is called before the next time.
 * @returns A function that stops it.
 */
export function effect(act: () => unknown): () => void {
  let tidy: unknown;
  const clear = () => {
    if (typeof tidy === "function") tidy();
    tidy = undefined;
  };
  const watcher = new Watcher(() => {
    clear();
    const close = reading(watcher);
    try {
      tidy = act();
    } finally {
      close();
    }
  });
  batch(watcher.run);
  return () => {
    clear();
    watcher.stop();
  };
}

/** Returns a value that can be set and lives as long as a component. */
export function useSignal<Kind>(value: Kind): Signal<Kind> {
  return useMemo(() => signal(value), []);
}

/** Returns a computed value that lives as long as a component. */
export function useComputed<Kind>(make: () => Kind): ReadonlySignal<Kind> {
  const latest = useRef(make);
  latest.current = make;
  return useMemo(() => computed(() => latest.current()), []);
}

// ------------------------------------------------------------------ components: drawn anew when what they read changes

type Drawn = Component & { watcher?: Watcher; told?: boolean };
type Hook = (vnode: VNode & { __c?: Drawn }, ...more: unknown[]) => void;

let close: (() => void) | null = null;

function finish(): void {
  close?.();
  close = null;
}

/** Adds to what preact does at one moment of drawing. */
function hook(name: string, act: (vnode: VNode & { __c?: Drawn }) => void): void {
  const hooks = options as unknown as Record<string, Hook | undefined>;
  const before = hooks[name];
  hooks[name] = (vnode, ...more) => {
    act(vnode);
    before?.(vnode, ...more);
  };
}

// A component has been drawn when the next part begins, when it is done, or when it failed.
hook("__b", finish);
hook("__e", finish);
hook("diffed", finish);
hook("__r", ({ __c: component }) => {
  finish();
  if (!component) return;
  component.told = false;
  component.watcher ??= new Watcher(() => {
    component.told = true;
    component.setState({});
  });
  close = reading(component.watcher);
});
hook("unmount", ({ __c: component }) => component?.watcher?.stop());

/** A component that reads values is drawn again only for these, for its own state, or for other properties. */
Component.prototype.shouldComponentUpdate = function (this: Drawn, properties: object): boolean {
  if (this.told || !this.watcher?.sources.size) return true;
  const [next, last] = [properties, this.props] as Record<string, unknown>[];
  const names = Object.keys(next!);
  return names.length !== Object.keys(last!).length || names.some((name) => next![name] !== last![name]);
};
