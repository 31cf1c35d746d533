/** Everything by keyboard: what each key does, and the list of them. */

import { find, openDialog } from "./dom.js";
import { acceptReading, label, toggleMany, toggleRejected, undo } from "./fix.js";
import { boxKey, toggleBoxing } from "./picture.js";
import { walk } from "./state.js";

const showKeys = () => openDialog(find("#keys"));

const ACTIONS = {
  Enter: acceptReading,
  ArrowRight: () => walk(1),
  ArrowDown: () => walk(1),
  j: () => walk(1),
  ArrowLeft: () => walk(-1),
  ArrowUp: () => walk(-1),
  k: () => walk(-1),
  x: toggleRejected,
  b: toggleBoxing,
  m: toggleMany,
  u: undo,
  "?": showKeys,
};

/** Whether a key means something of its own to what has the focus. */
function isTaken(event, target) {
  if (find("dialog[open]") || target.closest("textarea, select, input")) return true;
  // Enter presses buttons and follows links; on a photo or a digit, which it has chosen already, it accepts.
  return event.key === "Enter" && target.closest("button, a, summary") && !target.closest("#photos, #digits");
}

/** What a key stands for, or undefined; with Ctrl all but one are the browser's own. */
function actionOf({ key, ctrlKey, metaKey }) {
  if (ctrlKey || metaKey) return key === "z" ? undo : undefined;
  return /^[0-9]$/.test(key) ? () => label(Number(key)) : ACTIONS[key];
}

addEventListener("keydown", (event) => {
  if (event.altKey || isTaken(event, event.target)) return;
  const plain = !event.ctrlKey && !event.metaKey;
  const act = plain && boxKey(event) ? () => {} : actionOf(event);
  if (!act) return;
  event.preventDefault();
  act();
});

find("#show-keys").onclick = showKeys;
find("#previous").onclick = () => walk(-1);
find("#next").onclick = () => walk(1);
