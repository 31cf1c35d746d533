/** A page's digits as a grid, to be checked one after the other with the same keys as photos. */

import { find, make } from "./dom.js";
import { MARKS, digitsOf, isRead, kindOf, reasonOf } from "./photo.js";
import { choose, on, presentPhoto, state } from "./state.js";
import { onLanguage, word } from "./words.js";

const grid = find("#digits");

function cell(photo, digit) {
  const { key, said, found } = digit;
  const kind = kindOf(photo, digit);
  const present = key === state.key;
  const picture = (source, name) => (source ? make("img", { src: source, alt: "", class: name }) : null);
  return make(
    "button",
    {
      type: "button",
      "data-key": key,
      "data-kind": kind,
      "aria-current": present ? "true" : null,
      tabindex: present ? 0 : -1,
      title: reasonOf(photo, digit) ?? found?.doubt ?? null,
      click: () => choose(photo.id, key),
    },
    picture(found?.thumbnail, "thumbnail"),
    picture(found?.image, "small"),
    make(
      "span",
      { class: "said" },
      make("b", {}, isRead(found) ? String(found.digit) : "–"),
      said.label === null ? null : ` → ${said.label}`,
      make("span", { class: "mark", "aria-hidden": "true" }, MARKS[kind]),
      make("span", { class: "unseen" }, kind && ` ${word(`kind.${kind}`)}`),
    ),
  );
}

function show() {
  const photo = presentPhoto();
  find("#page").hidden = !photo?.many;
  if (!photo?.many) return;
  const focused = grid.contains(document.activeElement);
  const digits = photo.look ? digitsOf(photo) : [];
  grid.replaceChildren(...digits.map((digit) => make("li", {}, cell(photo, digit))));
  find("#page-said").textContent = photo.look ? (photo.look.reason ?? "") : word("page.waiting");
  if (focused) grid.querySelector("[aria-current]")?.focus();
}

on("selection", show);
on("photo", (id) => id === state.photo && show());
onLanguage(show);
