/** The steps as cards in a row, each with what it makes of the photo: switched, moved, tuned. */

import { control } from "./controls.js";
import { find, make } from "./dom.js";
import { cards, change, saveCards, tryOut } from "./pipeline.js";
import { on, presentPhoto, state } from "./state.js";
import { onLanguage, word, wordOr } from "./words.js";

const strip = find("#steps");
/** The cards as they are shown, so that controls are not taken from under the hand that moves them. */
let shown = "";

const summaryOf = (name) => wordOr(`step.${name}`, state.catalog.steps[name]?.summary ?? "");

/** A name that may go on in the next line after each of its underscores. */
const breakable = (name) => name.replaceAll("_", "_\u200b");

const focus = (name) => strip.querySelector(`[data-focus="${name}"]`)?.focus();

/** Move a card by so many places; the focus goes along. */
function shift(at, by, focused) {
  const to = at + by;
  if (to < 0 || to >= cards().length) return;
  change((all) => all.splice(to, 0, ...all.splice(at, 1)));
  focus(`${to} ${focused}`);
}

function drop(at) {
  change((all) => all.splice(at, 1));
  focus(`${Math.min(at, cards().length - 1)} remove`);
}

/** A card's button, of the name that its sentence has, too. */
function button(sign, kind, card, at, act) {
  const said = word(`steps.${kind}`, { name: card.step.name });
  const named = { title: said, "aria-label": said, "data-focus": `${at} ${kind}` };
  return make("button", { type: "button", class: kind, ...named, click: act }, sign);
}

/** The handle that a card is dragged by; with the focus on it, arrows move the card. */
function handle(card, at) {
  const made = button("⠿", "move", card, at, null);
  made.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    shift(at, by, "move");
  });
  made.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    made.setPointerCapture(event.pointerId);
    strip.children[at + 1].classList.add("dragged");
  });
  made.addEventListener("pointermove", (event) => {
    if (!made.hasPointerCapture(event.pointerId)) return;
    const over = placeUnder(event);
    for (const card of strip.children) card.classList.toggle("over", over !== at && card === strip.children[over + 1]);
  });
  made.addEventListener("pointerup", (event) => {
    const over = placeUnder(event);
    for (const card of strip.children) card.classList.remove("over", "dragged");
    if (over >= 0 && over !== at) shift(at, over - at, "move");
  });
  return made;
}

/** Which card a pointer is over; -1 for none and for the photo's. */
function placeUnder({ clientX, clientY }) {
  const card = document.elementFromPoint(clientX, clientY)?.closest("#steps > li");
  return [...strip.children].indexOf(card) - 1;
}

function toggle(card, at) {
  const { name } = card.step;
  const box = make("input", { type: "checkbox", role: "switch", "data-focus": `${at} on` });
  box.checked = card.on;
  box.onchange = () => change((all) => (all[at].on = box.checked));
  return make("label", { class: "switch", title: summaryOf(name) }, box, make("span", {}, breakable(name)));
}

function controls(card, at) {
  const known = state.catalog.steps[card.step.name]?.options ?? [];
  return known.map((option) => {
    const use = (value) => {
      tryOut((all) => (all[at].step[option.name] = value));
      shown = JSON.stringify(cards());
    };
    const name = wordOr(`option.${option.name}`, option.name);
    return control(option, {
      name: breakable(name),
      // Two resizes have options of the same names; the step's name tells them apart for a listener.
      fullName: `${card.step.name}, ${name}`,
      focus: `${at} ${option.name}`,
      value: card.step[option.name],
      tryOut: use,
      finish: (value) => {
        use(value);
        saveCards();
      },
    });
  });
}

function picture() {
  return make("div", { class: "picture" }, make("img", { alt: "", hidden: true }), make("p", { class: "why" }));
}

function stepCard(card, at) {
  const { name } = card.step;
  return make(
    "li",
    { "data-step": name, class: card.on ? "" : "off" },
    toggle(card, at),
    picture(),
    make("p", { class: "decision" }),
    ...controls(card, at),
    make(
      "div",
      { class: "moves" },
      button("←", "earlier", card, at, () => shift(at, -1, "earlier")),
      handle(card, at),
      button("→", "later", card, at, () => shift(at, 1, "later")),
      button("✕", "remove", card, at, () => drop(at)),
    ),
  );
}

function photoCard() {
  return make("li", { "data-step": "" }, make("span", { class: "switch" }, word("steps.photo")), picture());
}

/** Make the cards anew, and give the focus back to the control that had it. */
function showCards() {
  if (!state.catalog) return;
  const focused = strip.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
  strip.replaceChildren(photoCard(), ...cards().map(stepCard));
  shown = JSON.stringify(cards());
  showPictures();
  if (focused) focus(focused);
}

/** Put what each step made of the photo on its card, and why it went no further on the one that failed. */
function showPictures() {
  const { panels = [], reason = null } = state.live ?? {};
  const on = cards().map((card) => card.on);
  const last = Math.max(-1, ...panels.map((panel) => panel.card ?? -1));
  const failed = reason === null ? -1 : on.indexOf(true, last + 1);
  [...strip.children].forEach((element, place) => {
    const panel = panels.find((other) => (other.card ?? -1) === place - 1);
    const image = element.querySelector("img");
    image.hidden = !panel;
    if (panel) image.src = panel.picture;
    const said = element.querySelector(".decision");
    if (said) said.textContent = panel?.decision ?? "";
    element.querySelector(".why").textContent = place > 0 && place - 1 === failed ? reason : "";
  });
  const idle = Boolean(presentPhoto()?.many) && panels.length === 1 && reason === null;
  find("#no-steps").hidden = !idle;
  strip.classList.toggle("idle", idle);
}

function showMenu() {
  const names = Object.keys(state.catalog?.steps ?? {});
  find("#add-step").replaceChildren(
    make("option", { value: "" }, word("steps.add")),
    ...names.map((name) => make("option", { value: name, title: summaryOf(name) }, name)),
  );
}

find("#add-step").onchange = ({ target }) => {
  const { options } = state.catalog.steps[target.value];
  const step = { name: target.value };
  for (const option of options) step[option.name] = option.default;
  target.value = "";
  change((all) => all.push({ on: true, step }));
};

on("catalog", showMenu);
on("cards catalog", showCards);
on("pipeline", () => JSON.stringify(cards()) === shown || showCards());
on("live", showPictures);
onLanguage(() => {
  showMenu();
  showCards();
});
