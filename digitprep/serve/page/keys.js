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
  if (target.closest("dialog, textarea, select, input")) return true;
  // Enter presses buttons and follows links; on a photo or a digit, which it has chosen already, it accepts.
  return event.key === "Enter" && target.closest("button, a, summary") && !target.closest("#photos, #digits");
}

addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (isTaken(event, target) || event.altKey) return;
  if ((event.ctrlKey || event.metaKey) && key !== "z") return;
  if (!event.ctrlKey && !event.metaKey && boxKey(event)) return event.preventDefault();
  const act = event.ctrlKey || event.metaKey ? undo : /^[0-9]$/.test(key) ? () => label(Number(key)) : ACTIONS[key];
  if (!act) return;
  event.preventDefault();
  act();
});

find("#show-keys").onclick = showKeys;
find("#previous").onclick = () => walk(-1);
find("#next").onclick = () => walk(1);
