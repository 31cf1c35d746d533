/** Drawing a digit with mouse, pen or finger: dark ink on white paper, like a photo of a marker's. */

import { bring } from "./bring.js";
import { find, openDialog } from "./dom.js";
import { state } from "./state.js";

const PAPER = "#ffffff";
const INK = "#16181d";
const PEN_SHARE = 0.055; // of the canvas's side

const canvas = find("#canvas");
const context = canvas.getContext("2d");
/** Each stroke is the list of points it went through. */
let strokes = [];
let stroke = null;

function pointOf(event) {
  const box = canvas.getBoundingClientRect();
  return {
    x: ((event.clientX - box.left) / box.width) * canvas.width,
    y: ((event.clientY - box.top) / box.height) * canvas.height,
  };
}

function paint() {
  context.fillStyle = PAPER;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.strokeStyle = INK;
  context.lineWidth = PEN_SHARE * canvas.width;
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const points of strokes) {
    context.beginPath();
    context.moveTo(points[0].x, points[0].y);
    // Curves from middle to middle, bent by the points between, have no corners.
    for (let at = 1; at < points.length; at += 1) {
      const [bend, next] = [points[at - 1], points[at]];
      context.quadraticCurveTo(bend.x, bend.y, (bend.x + next.x) / 2, (bend.y + next.y) / 2);
    }
    const last = points.at(-1);
    context.lineTo(last.x, last.y);
    context.stroke();
  }
  find("#take").disabled = strokes.length === 0;
  find("#take-stroke-back").disabled = strokes.length === 0;
}

function start(event) {
  if (event.button !== 0) return;
  event.preventDefault();
  canvas.setPointerCapture(event.pointerId);
  stroke = [pointOf(event)];
  strokes.push(stroke);
  paint();
}

function go(event) {
  if (!stroke) return;
  const events = event.getCoalescedEvents?.() ?? [];
  stroke.push(...(events.length ? events : [event]).map(pointOf));
  paint();
}

function clear() {
  strokes = [];
  stroke = null;
  paint();
}

/** The first number that no drawing in the project has. */
function nextNumber() {
  const numbers = [...state.photos.values()].map(({ name }) => Number(/^drawing-(\d+)\.png$/.exec(name)?.[1] ?? 0));
  return 1 + Math.max(0, ...numbers);
}

function take() {
  canvas.toBlob((blob) => {
    bring([new File([blob], `drawing-${nextNumber()}.png`, { type: "image/png" })]);
    find("#drawing").close();
  }, "image/png");
}

canvas.addEventListener("pointerdown", start);
canvas.addEventListener("pointermove", go);
for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (stroke = null));
find("#draw").onclick = () => {
  clear();
  openDialog(find("#drawing"));
};
find("#clear").onclick = clear;
find("#take-stroke-back").onclick = () => {
  strokes.pop();
  paint();
};
find("#take").onclick = take;
