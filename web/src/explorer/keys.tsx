/** The list of keys of an explorer's page, on "?" and on a button in its bar. */

import { Fragment, h } from "preact";
import { useEffect, useRef } from "preact/hooks";

const KEYS = [
  ["Tab", "next control or picture"],
  ["Arrow keys", "read the values of a picture, turn it, move a slider"],
  ["+ and −", "zoom"],
  ["0", "show all"],
  ["Escape", "leave a picture, close a menu"],
  ["?", "this list"],
] as const;
/** Shows the list when it is asked for. */
export function Keys() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const show = () => dialog.current!.open || dialog.current!.showModal();
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: "Keys", title: "Or the key ?", onclick: show });
    document.querySelector("header nav")?.append(button);
    addEventListener("keydown", (event) => {
      const typing = (event.target as Element | null)?.closest?.("input:not([type=range], [type=checkbox]), select, textarea");
      if (event.key === "?" && !typing) show();
    });
  }, []);
  return (
    <dialog ref={dialog} class="enlarged" aria-label="Keys">
      <div class="enlarged-head"><h5>Keys</h5><button onClick={() => dialog.current!.close()}>Close</button></div>
      <dl class="keys">{KEYS.map(([key, words]) => <><dt>{key}</dt><dd>{words}</dd></>)}</dl>
    </dialog>
  );
}
