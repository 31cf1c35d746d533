/** The list of photos, those that need a look first. Its order stays while one works through it. */

import { find, make } from "./dom.js";
import { MARKS, arranged, countsOf, digitsOf, isRead, kindOfPhoto, reasonOf } from "./photo.js";
import { arrange, choose, on, state } from "./state.js";
import { onLanguage, word } from "./words.js";

const list = find("#photos");
/** The entries by photo: making 2,000 of them anew for each change would take too long. */
const entries = new Map();

/** What was read in a photo, and what a person said or what speaks against it. */
function sayings(photo) {
  const digits = digitsOf(photo);
  const reading = photo.look === null ? "…" : null;
  if (photo.many) {
    const labelled = digits.filter(({ said }) => said.label !== null).length;
    return {
      reading: reading ?? word("list.digits", { n: digits.length }),
      why: photo.look?.reason ?? word("list.labelled-of", { n: labelled }),
    };
  }
  const [digit] = digits;
  const { said, found } = digit;
  return {
    reading: reading ?? (isRead(found) ? word("list.read", { digit: found.digit }) : word("list.unread")),
    why: whyOf(said, reasonOf(photo, digit) ?? found?.doubt ?? found?.unlike[0] ?? ""),
  };
}

function whyOf({ rejected, label }, doubt) {
  if (rejected) return word("list.rejected");
  return label === null ? doubt : word("list.labelled", { label });
}

function fill(entry, photo) {
  const { reading, why } = sayings(photo);
  const kind = kindOfPhoto(photo);
  const found = photo.many ? null : digitsOf(photo)[0].found;
  const picture = (source, name) =>
    source ? make("img", { src: source, alt: "", class: name, decoding: "async" }) : make("span", { class: name });
  entry.dataset.kind = kind;
  entry.firstChild.replaceChildren(
    picture(photo.look?.thumbnail, "thumbnail"),
    picture(found?.image, "small"),
    make("span", { class: "mark" }, MARKS[kind]),
    make("b", { class: "reading" }, reading),
    make("span", { class: "name" }, photo.name),
    make("span", { class: "why" }, why),
  );
}

function entryOf(photo) {
  if (!entries.has(photo.id)) {
    const entry = make("li", { "data-photo": photo.id }, make("button", { type: "button", tabindex: -1 }));
    entries.set(photo.id, entry);
    fill(entry, photo);
  }
  return entries.get(photo.id);
}

function showList() {
  list.replaceChildren(...state.shown.map((id) => entryOf(state.photos.get(id))));
  showHelp();
  showSelection();
}

/** With no photo at all, or none that the filter shows, the page says what to do. */
function showHelp() {
  find("#empty").hidden = state.shown.length > 0 || state.photos.size === 0;
  find("#welcome").hidden = state.photos.size > 0;
  find("#gallery").hidden = find("#pipeline").hidden = state.photos.size === 0;
}

let selected = null;

/** Mark the photo that is looked at, bring it into view, and move the focus along with it. */
function showSelection() {
  const focused = list.contains(document.activeElement);
  selected?.firstChild.setAttribute("tabindex", "-1");
  selected?.firstChild.removeAttribute("aria-current");
  selected = entries.get(state.photo) ?? null;
  if (!selected?.isConnected) return;
  selected.firstChild.setAttribute("tabindex", "0");
  selected.firstChild.setAttribute("aria-current", "true");
  reveal(selected);
  if (focused) selected.firstChild.focus({ preventScroll: true });
}

/** Scroll the list, and nothing else, until an entry is seen. */
function reveal(entry) {
  const [frame, box] = [list.getBoundingClientRect(), entry.getBoundingClientRect()];
  const over = (low, high, start, end) => (low < start ? low - start : high > end ? high - end : 0);
  list.scrollBy(
    over(box.left, box.right, frame.left, frame.right),
    over(box.top, box.bottom, frame.top, frame.bottom),
  );
}

/** Counting looks at every photo, so it is done once a frame however many of them have changed. */
let counting = false;

function count() {
  if (counting) return;
  counting = true;
  requestAnimationFrame(() => {
    counting = false;
    const counts = countsOf(state.photos.values());
    find("#counts").textContent = word("list.counts", counts);
    const waiting = state.project?.waiting ?? 0;
    find("#waiting").textContent = waiting ? word("list.waiting", { n: waiting }) : "";
    const wanted = arranged(state.photos.values(), state.filter);
    find("#arrange").classList.toggle("wanted", wanted.join() !== state.shown.join());
  });
}

on("project", () => entries.clear());
on("added", (id) => {
  list.append(entryOf(state.photos.get(id)));
  showHelp();
});
on("list", () => {
  showList();
  count();
});
on("photo", (id) => {
  if (entries.has(id)) fill(entries.get(id), state.photos.get(id));
  count();
});
on("counts", count);
on("selection", showSelection);
onLanguage(() => {
  for (const [id, entry] of entries) fill(entry, state.photos.get(id));
  showList();
  count();
});

list.addEventListener("click", (event) => {
  const entry = event.target.closest("[data-photo]");
  if (entry) choose(Number(entry.dataset.photo));
});
find("#filter").onchange = (event) => arrange(event.target.value);
find("#arrange").onclick = () => {
  arrange(state.filter);
  choose(state.shown[0] ?? null);
};
