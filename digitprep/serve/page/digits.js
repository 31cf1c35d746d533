/** A page's digits as a grid, to be checked one after the other with the same keys as photos. */

import { find, make } from "./dom.js";
import { MARKS, digitsOf, kindOf, reasonOf } from "./photo.js";
import { choose, on, presentPhoto, state } from "./state.js";
import { onLanguage, word } from "./words.js";

const grid = find("#digits");

function cell(photo, digit) {
  const { key, said, found } = digit;
  const kind = kindOf(photo, digit);
  const present = key === state.key;
  const read = found?.image ? String(found.digit) : "–";
  const label = said.label === null ? "" : `${word("list.labelled", { label: said.label })}, `;
  return make(
    "button",
    {
      type: "button",
      "data-key": key,
      "data-kind": kind,
      "aria-current": present ? "true" : null,
      tabindex: present ? 0 : -1,
      title: reasonOf(photo, digit) ?? found?.doubt ?? null,
      "aria-label": `${key}: ${word("list.read", { digit: read })}, ${label}${kind && word(`kind.${kind}`)}`,
      click: () => choose(photo.id, key),
    },
    found?.thumbnail ? make("img", { src: found.thumbnail, alt: "", class: "thumbnail" }) : null,
    found?.image ? make("img", { src: found.image, alt: "", class: "small" }) : null,
    make("b", {}, read),
    make("span", {}, said.label === null ? "" : `→ ${said.label}`),
    make("span", { class: "mark" }, MARKS[kind]),
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
  if (focused) grid.querySelector("[aria-current]")?.focus({ preventScroll: true });
}

on("selection", show);
on("photo", (id) => id === state.photo && show());
onLanguage(show);
