/** Changes a piece of a page into another, touching only what differs: focus, scroll and open details stay. */

/** What belongs to the reader, not to the server. */
const OWN = new Set(["open"]);
/** What a picture is about. */
const SHOWN = ["data-pellucid-view", "data-run", "data-runs"];

/**
 * Changes the children of an element into those of another.
 *
 * Children belong together when they share an id, their own or that of something inside; those without ids by their
 * order. A picture that shows the same view stays as it is.
 *
 * @param old - In the page.
 * @param next - What it is to become; is left without some of its children.
 */
export function morph(old: Element, next: Element): void {
  const partners = partnersOf(old, next);
  let cursor = old.firstChild;
  for (const node of [...next.childNodes]) {
    const partner = partners.get(node);
    // What nobody waits for goes, so that what stays need not be moved.
    while (partner && cursor && cursor !== partner && !waits(partners, cursor)) cursor = without(cursor);
    const found = partner ?? (cursor && !waits(partners, cursor) && alike(cursor, node) ? cursor : null);
    if (!found) old.insertBefore(node, cursor);
    else {
      if (found === cursor) cursor = cursor.nextSibling;
      else move(old, found, cursor);
      renew(found, node);
      partners.delete(node);
    }
  }
  while (cursor) cursor = without(cursor);
}

/** Removes a child, and returns the one behind it. */
function without(child: ChildNode): ChildNode | null {
  const after = child.nextSibling;
  child.remove();
  return after;
}

type Partners = Map<ChildNode, ChildNode>;

function partnersOf(old: Element, next: Element): Partners {
  const places = new Map<string, ChildNode>();
  for (const child of next.children) for (const id of idsOf(child)) places.set(id, child);
  const partners: Partners = new Map();
  for (const child of old.children) {
    const place = idsOf(child).map((id) => places.get(id)).find((one) => one && !partners.has(one) && alike(child, one));
    if (place) partners.set(place, child);
  }
  return partners;
}

function idsOf(element: Element): string[] {
  return [element, ...element.querySelectorAll("[id]")].map((one) => one.id).filter(Boolean);
}

/** Tells whether an old child waits for a new one that comes later. */
function waits(partners: Partners, child: ChildNode): boolean {
  return [...partners.values()].includes(child);
}

function alike(one: Node, other: Node): boolean {
  if (one.nodeName !== other.nodeName) return false;
  const [old, next] = [one, other] as HTMLElement[];
  if (old!.nodeType !== 1) return true;
  return old!.id === next!.id && SHOWN.every((name) => old!.getAttribute(name) === next!.getAttribute(name));
}

function renew(old: Node, next: Node): void {
  if (old.nodeType !== 1) {
    if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
    return;
  }
  const [element, model] = [old as Element, next as Element];
  if (element.hasAttribute("data-pellucid-view")) return;
  for (const { name } of [...element.attributes]) if (!model.hasAttribute(name) && !OWN.has(name)) element.removeAttribute(name);
  for (const { name, value } of [...model.attributes]) {
    if (!OWN.has(name) && element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
  morph(element, model);
}

/** Where the browser can, without losing focus and scroll on the way. */
function move(parent: Element, child: Node, before: Node | null): void {
  const able = parent as Element & { moveBefore?(child: Node, before: Node | null): void };
  if (able.moveBefore) return able.moveBefore(child, before);
  const { activeElement } = document;
  const held = child.contains(activeElement);
  parent.insertBefore(child, before);
  if (held) (activeElement as HTMLElement).focus({ preventScroll: true });
}
