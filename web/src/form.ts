/** Reads plain data as what it should be; a refusal says where, what came and what was expected. */

/** What came does not keep to the form. */
export class FrameError extends Error {
  override name = "FrameError";
}

/** Returns a value as what it should be; `where` is its place, such as "figure.panels[0].title". */
export type Read<Value> = (value: unknown, where: string) => Value;

/** Returns the error for something that is not as expected, to be thrown. */
export function misfit(where: string, found: unknown, expected: string): FrameError {
  const text = JSON.stringify(found) ?? "missing";
  return new FrameError(`${where} is ${text.length > 60 ? `${text.slice(0, 60)}…` : text}, expected ${expected}.`);
}

function such<Value>(is: (value: unknown) => boolean, expected: string): Read<Value> {
  return (value, where) => {
    if (is(value)) return value as Value;
    throw misfit(where, value, expected);
  };
}

export const number = such<number>(Number.isFinite, "a finite number");
export const count = such<number>((value) => Number.isSafeInteger(value) && (value as number) >= 0, "a whole number from 0");
export const name = such<string>((value) => typeof value === "string" && value !== "", "a text");
const list = such<unknown[]>(Array.isArray, "a list");
const plain = such<Record<string, unknown>>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value), "an object",
);

/** Reads one of several names. */
export function oneOf<Name extends string>(names: readonly Name[]): Read<Name> {
  return such((value) => names.includes(value as Name), `one of ${names.join(", ")}`);
}

/** Anything but a text is none. */
export const text: Read<string> = (value) => (typeof value === "string" ? value : "");
/** Anything but true is false. */
export const flag: Read<boolean> = (value) => value === true;

/** Reads what may be missing. */
export function or<Value, Usual>(read: Read<Value>, usual: Usual): Read<Value | Usual> {
  return (value, where) => (value == null ? usual : read(value, where));
}

/** Reads a list of things of one form. */
export function listOf<Value>(read: Read<Value>): Read<Value[]> {
  return (value, where) => list(value, where).map((one, place) => read(one, `${where}[${place}]`));
}

/** Reads an object field by field; what is not named is left out. */
export function record<Fields>(fields: { readonly [Name in keyof Fields]: Read<Fields[Name]> }): Read<Fields> {
  return (value, where) => {
    const object = plain(value, where);
    const read = Object.entries<Read<unknown>>(fields).map(([field, form]) => [field, form(object[field], `${where}.${field}`)]);
    return Object.fromEntries(read) as Fields;
  };
}

/** Reads an object whose `kind` says which fields it has. */
export function kinds<Value>(forms: Readonly<Record<string, Readonly<Record<string, Read<unknown>>>>>): Read<Value> {
  return (value, where) => {
    const kind = oneOf(Object.keys(forms))(plain(value, where).kind, `${where}.kind`);
    return { kind, ...record(forms[kind]!)(value, where) } as Value;
  };
}
