/** The page of an explorer: the line to its server, and what is the same on every page. */

import { h, render } from "preact";
import { addLook } from "../mount.js";
import { effect } from "../signals.js";
import { Keys } from "./keys.js";
import { lineTo } from "./line.js";
import { fill } from "./places.js";

/** Those who hear the page are told once in so many milliseconds. */
const QUIET = 3000;

/** Brings the page of an explorer to life. */
export function explore(): void {
  addLook();
  const own = made("div", document.body);
  own.className = "pellucid";
  const lost = made("p", own);
  lost.className = "connection";
  lost.role = "status";
  const line = lineTo(() => new WebSocket(`${location.origin.replace(/^http/, "ws")}/socket`));
  effect(() => {
    lost.textContent = line.status.value;
    lost.hidden = !line.status.value;
  });
  render(h(Keys, null), made("div", own));
  fill(line, sayer(own));
}

function made(name: string, parent: Element): HTMLElement {
  const element = document.createElement(name);
  parent.append(element);
  return element;
}

/** Returns what says something to those who hear the page: politely, and the latest where much happens at once. */
function sayer(parent: Element): (words: string) => void {
  const voice = made("p", parent);
  voice.className = "unseen";
  voice.ariaLive = "polite";
  let timer = 0;
  let next = "";
  const speak = () => {
    timer = 0;
    voice.textContent = next;
  };
  return (words) => {
    next = words || next;
    if (words) timer ||= window.setTimeout(speak, QUIET);
  };
}
