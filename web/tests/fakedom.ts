/** As much of a page as changing a piece of it needs, for tests without a browser. */

/** A node: an element, or text when its name is "#text". */
export class FakeNode {
  readonly nodeName: string;
  readonly nodeType: number;
  nodeValue: string | null;
  parent: FakeNode | null = null;
  readonly childNodes: FakeNode[] = [];
  readonly marks = new Map<string, string>();
  /** How often the node was put somewhere. */
  moves = 0;

  constructor(name: string, text: string | null = null) {
    this.nodeName = name;
    this.nodeType = name === "#text" ? 3 : 1;
    this.nodeValue = text;
  }

  get id(): string {
    return this.marks.get("id") ?? "";
  }

  get children(): FakeNode[] {
    return this.childNodes.filter((one) => one.nodeType === 1);
  }

  get firstChild(): FakeNode | null {
    return this.childNodes[0] ?? null;
  }

  get nextSibling(): FakeNode | null {
    const { childNodes } = this.parent!;
    return childNodes[childNodes.indexOf(this) + 1] ?? null;
  }

  get attributes(): { name: string; value: string }[] {
    return [...this.marks].map(([name, value]) => ({ name, value }));
  }

  getAttribute(name: string): string | null {
    return this.marks.get(name) ?? null;
  }

  hasAttribute(name: string): boolean {
    return this.marks.has(name);
  }

  setAttribute(name: string, value: string): void {
    this.marks.set(name, value);
  }

  removeAttribute(name: string): void {
    this.marks.delete(name);
  }

  /** Only for "[id]". */
  querySelectorAll(_: string): FakeNode[] {
    return this.children.flatMap((one) => [...(one.id ? [one] : []), ...one.querySelectorAll(_)]);
  }

  insertBefore(child: FakeNode, before: FakeNode | null): void {
    if (child.parent) child.remove();
    const at = before ? this.childNodes.indexOf(before) : this.childNodes.length;
    this.childNodes.splice(at, 0, child);
    child.parent = this;
    child.moves++;
  }

  moveBefore(child: FakeNode, before: FakeNode | null): void {
    this.insertBefore(child, before);
  }

  remove(): void {
    this.parent!.childNodes.splice(this.parent!.childNodes.indexOf(this), 1);
    this.parent = null;
  }

  /** The node as text. */
  get html(): string {
    if (this.nodeType === 3) return this.nodeValue!;
    const marks = [...this.marks].map(([name, value]) => ` ${name}=${value}`).join("");
    return `<${this.nodeName}${marks}>${this.childNodes.map((one) => one.html).join("")}</${this.nodeName}>`;
  }
}

/** Returns an element: `made("tr", { id: "a" }, "text", made("td"))`. */
export function made(name: string, marks: Record<string, string> = {}, ...content: (string | FakeNode)[]): FakeNode {
  const node = new FakeNode(name);
  Object.entries(marks).forEach(([mark, value]) => node.marks.set(mark, value));
  content.forEach((one) => node.insertBefore(typeof one === "string" ? new FakeNode("#text", one) : one, null));
  return node;
}
