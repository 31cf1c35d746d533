/** The course of a training as a drawing: one figure over the epochs, trained on and held back. */

import { draw, make, percent } from "./dom.js";

const [WIDTH, HEIGHT] = [340, 190];
const [LEFT, RIGHT, TOP, BOTTOM] = [46, 10, 10, 26];

const fixed = (value) => value.toFixed(value < 0.1 ? 3 : 2);

/**
 * A figure with its caption.
 *
 * @param {object} training the server's
 * @param {"loss"|"accuracy"} name which of its figures
 * @param {{title: string, train: string, validation: string}} words
 */
export function curves({ history, epochs }, name, words) {
  const rows = [
    { kind: "train", points: pointsOf(history, name) },
    { kind: "validation", points: pointsOf(history, `validation_${name}`) },
  ];
  const values = rows.flatMap(({ points }) => points.map(([, value]) => value));
  const said = name === "accuracy" ? percent : fixed;
  const [low, high] = bounds(values, name);
  const across = (epoch) => LEFT + ((epoch - 1) / Math.max(1, epochs - 1)) * (WIDTH - LEFT - RIGHT);
  const down = (value) => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const last = rows.map(({ kind, points }) => points.length ? `${words[kind]} ${said(points.at(-1)[1])}` : "");
  const drawing = draw(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": [words.title, ...last].join(", ") },
    ...[low, (low + high) / 2, high].flatMap((value) => level(down(value), said(value))),
    ...[...new Set([1, epochs])].map((epoch) =>
      draw("text", { x: across(epoch), y: HEIGHT - 6, "text-anchor": epoch === 1 ? "start" : "end" }, String(epoch))),
    ...rows.flatMap(({ kind, points }) => line(points.map(([epoch, value]) => [across(epoch), down(value)]), kind)),
  );
  const legend = rows.map(({ kind }, at) => make("span", { class: kind }, last[at] || words[kind]));
  return make("figure", {}, make("figcaption", {}, make("b", {}, words.title), ...legend), drawing);
}

const pointsOf = (history, name) =>
  history.filter((epoch) => epoch[name] !== null).map((epoch) => [epoch.number, epoch[name]]);

/** The ends of the scale: a loss from 0, an accuracy up to 1 and down to where its curve begins. */
function bounds(values, name) {
  if (name === "loss") return [0, Math.max(...values, 0.01)];
  return [Math.min(0.9, Math.floor(10 * Math.min(...values)) / 10), 1];
}

function level(y, text) {
  return [
    draw("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y, class: "level" }),
    draw("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, text),
  ];
}

function line(points, kind) {
  return [
    draw("polyline", { points: points.map((point) => point.join()).join(" "), class: kind }),
    ...points.map(([x, y]) => draw("circle", { cx: x, cy: y, r: 2.5, class: kind })),
  ];
}
