/** How the network that reads does on what is labelled: its share, its confusions, its mistakes. */

import { find, make, percent } from "./dom.js";
import { post } from "./server.js";
import { choose, state } from "./state.js";
import { word } from "./words.js";

function share({ count, right, accuracy, interval: [low, high] }) {
  const said = { count, right, accuracy: percent(accuracy), low: percent(low), high: percent(high) };
  return make("p", {}, word("evaluation.share", said));
}

/** A row a label, a column a reading. */
function matrix(confusion) {
  const head = (text, scope) => make("th", { scope }, text);
  const cell = (count, label, read) => {
    const kind = count === 0 ? "none" : label === read ? "right" : "mistake";
    return make("td", { class: kind }, String(count));
  };
  const rows = confusion.map((counts, label) =>
    make("tr", {}, head(String(label), "row"), ...counts.map((count, read) => cell(count, label, read))));
  const names = confusion.map((_, digit) => head(String(digit), "col"));
  return make(
    "div",
    { class: "wide", tabindex: 0, role: "region", "aria-label": word("evaluation.confusion") },
    make(
      "table",
      { class: "matrix" },
      make("caption", {}, word("evaluation.confusion")),
      make("thead", {}, make("tr", {}, make("td"), ...names)),
      make("tbody", {}, ...rows),
    ),
  );
}

function mistake({ photo, key, label, digit, confidence }) {
  const name = [state.photos.get(photo)?.name ?? photo, key].filter(Boolean).join(" ");
  const go = () => {
    find("#train-dialog").close();
    choose(photo, key);
  };
  const said = word("evaluation.mistake", { name, label, digit, share: percent(confidence) });
  return make("li", {}, make("button", { type: "button", class: "link", click: go }, said));
}

async function evaluate() {
  const place = find("#evaluation");
  place.replaceChildren(make("p", {}, word("evaluation.waiting")));
  try {
    const evaluation = await post("api/evaluation", { network: state.project.network });
    place.replaceChildren(
      share(evaluation),
      matrix(evaluation.confusion),
      make("ul", { class: "mistakes" }, ...evaluation.wrong.map(mistake)),
    );
  } catch (refusal) {
    place.replaceChildren(make("p", { class: "alarm" }, refusal.message));
  }
}

find("#evaluate").onclick = evaluate;
