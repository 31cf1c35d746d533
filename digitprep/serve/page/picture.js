/** The photo with the box of each digit over it, and boxing by hand with pointer and keyboard. */

import { heldCorner, holds, inside, nudged, spanned } from "./box.js";
import { draw, find, say } from "./dom.js";
import { addDigit, setBox } from "./fix.js";
import { digitsOf, isDrawn } from "./photo.js";
import { choose, on, presentDigit, presentPhoto, state } from "./state.js";
import { onLanguage, word } from "./words.js";

const REACH_PX = 14; // on the screen: how near to a corner takes hold of it
const STEP_SHARE = 0.01; // of the photo's longer side, by one press of an arrow
const SETTLED_MS = 500; // after the last press of an arrow the box is saved

const image = find("#picture img");
const boxes = find("#picture svg");
let boxing = false;
/** The box as it is drawn just now, before it is saved. */
let draft = null;
let drag = null;
let settling = 0;

const boxOf = ({ said, found }) => said.box ?? found?.box ?? null;
const sizeOf = (photo) => photo.look;

function rectangle([x, y, width, height], name, key) {
  const place = { x, y, width, height, "data-key": key };
  return draw("g", { class: name }, draw("rect", { ...place, class: "halo" }), draw("rect", place));
}

function show() {
  const photo = presentPhoto();
  find("#stage").hidden = !photo;
  if (!photo) return;
  const address = `api/photos/${photo.id}/picture`;
  if (image.getAttribute("src") !== address) image.src = address;
  find("#photo-name").textContent = photo.name;
  find("#many").setAttribute("aria-pressed", String(photo.many));
  find("#box").setAttribute("aria-pressed", String(boxing));
  find("#picture").classList.toggle("boxing", boxing);
  const digit = presentDigit();
  find("#reject").setAttribute("aria-pressed", String(digit.said.rejected));
  find("#reset-box").disabled = digit.said.box === null;
  showBoxes(photo, digit);
}

function showBoxes(photo, present) {
  const size = sizeOf(photo);
  boxes.replaceChildren();
  if (!size) return;
  boxes.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
  const others = digitsOf(photo).filter((digit) => digit.key !== present.key && boxOf(digit));
  for (const digit of others) {
    const kind = digit.said.rejected ? "rejected" : digit.said.label === null ? "other" : "other labelled";
    boxes.append(rectangle(boxOf(digit), kind, digit.key));
  }
  const box = draft ?? boxOf(present);
  if (box) boxes.append(rectangle(box, present.said.box || draft ? "present drawn" : "present", present.key));
  const [left, top, width, height] = box ?? [];
  boxes.setAttribute(
    "aria-label",
    box ? word("picture.box", { name: photo.name, left, top, width, height }) : photo.name,
  );
}

/** Where on the photo a pointer is. */
function pointOf(event, size) {
  const frame = boxes.getBoundingClientRect();
  return {
    x: ((event.clientX - frame.left) / frame.width) * size.width,
    y: ((event.clientY - frame.top) / frame.height) * size.height,
    reach: (REACH_PX / frame.width) * size.width,
  };
}

function press(event) {
  const [photo, digit] = [presentPhoto(), presentDigit()];
  // A finger scrolls the page, unless boxing was asked for.
  if (!sizeOf(photo) || event.button !== 0 || (event.pointerType === "touch" && !boxing)) return;
  event.preventDefault();
  boxes.setPointerCapture(event.pointerId);
  const point = pointOf(event, sizeOf(photo));
  const box = boxOf(digit);
  const fixed = box && heldCorner(box, point, point.reach);
  const moved = boxing && box && !fixed && holds(box, point);
  drag = { from: fixed ?? point, start: point, box, moved, adds: photo.many && !fixed && !moved, far: false };
}

function move(event) {
  if (!drag) return;
  const size = sizeOf(presentPhoto());
  const point = pointOf(event, size);
  drag.far ||= Math.hypot(point.x - drag.start.x, point.y - drag.start.y) > point.reach / 2;
  if (!drag.far) return;
  const [left, top, width, height] = drag.box ?? [];
  const shifted = [left + point.x - drag.start.x, top + point.y - drag.start.y, width, height];
  draft = inside(drag.moved ? shifted : spanned(drag.from, point), size);
  showBoxes(presentPhoto(), presentDigit());
}

function release() {
  if (!drag) return;
  const { adds, far, start } = drag;
  drag = null;
  if (!far) pick(start);
  else if (adds) addDigit(taken());
  else setBox(taken());
}

function taken() {
  const box = draft;
  draft = null;
  return box;
}

/** On a page a click chooses the digit under it: of boxes that overlap the smallest. */
function pick(point) {
  const photo = presentPhoto();
  const under = digitsOf(photo).filter((digit) => boxOf(digit) && holds(boxOf(digit), point));
  const area = (digit) => boxOf(digit)[2] * boxOf(digit)[3];
  under.sort((one, other) => area(one) - area(other));
  if (under.length) choose(photo.id, under[0].key);
}

/** Begin or end boxing by hand: arrows then move the box, with Shift they change its size. */
export function toggleBoxing() {
  if (!presentPhoto()) return;
  settle();
  boxing = !boxing;
  show();
  say(word(boxing ? "status.boxing" : "status.boxed"));
}

/** What a key does while boxing. Says whether it did anything. */
export function boxKey(event) {
  const size = boxing && sizeOf(presentPhoto() ?? {});
  if (!size) return false;
  if (event.key === "Enter" || event.key === "Escape") toggleBoxing();
  else if (event.key === "Delete" || event.key === "Backspace") resetBox();
  else if (event.key.startsWith("Arrow")) {
    const by = Math.max(1, STEP_SHARE * Math.max(size.width, size.height));
    const box = draft ?? boxOf(presentDigit()) ?? middle(size);
    draft = inside(nudged(box, event.key, by, event.shiftKey), size);
    showBoxes(presentPhoto(), presentDigit());
    clearTimeout(settling);
    settling = setTimeout(settle, SETTLED_MS);
  } else {
    settle(); // whatever the key does, it may lead to another digit
    return false;
  }
  return true;
}

const middle = ({ width, height }) => [width / 4, height / 4, width / 2, height / 2];

/** Save what the arrows have made of the box. */
function settle() {
  clearTimeout(settling);
  if (draft) setBox(taken());
}

function resetBox() {
  clearTimeout(settling);
  draft = null;
  const digit = presentDigit();
  if (digit?.said.box === null && !isDrawn(digit.key)) return;
  setBox(null);
  say(word("status.box-reset"));
}

boxes.addEventListener("pointerdown", press);
boxes.addEventListener("pointermove", move);
boxes.addEventListener("pointerup", release);
boxes.addEventListener("pointercancel", () => {
  drag = draft = null;
  show();
});
addEventListener("pointerdown", settle, { capture: true });
find("#box").onclick = toggleBoxing;
find("#reset-box").onclick = resetBox;
on("selection", () => {
  drag = draft = null;
  clearTimeout(settling);
  show();
});
on("photo", (id) => id === state.photo && show());
onLanguage(show);
