/** What comes out for the digit looked at: the image, what is read, and what speaks against it. */

import { find, make, percent } from "./dom.js";
import { label } from "./fix.js";
import { isOther, isRead, reasonOf } from "./photo.js";
import { on, presentDigit, presentPhoto, state } from "./state.js";
import { onLanguage, word } from "./words.js";

/** The bars are buttons, too: the digit that a bar stands for becomes the label. */
const bars = Array.from({ length: 10 }, (_, digit) => {
  const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("i"));
  return make(
    "button",
    { type: "button", "data-label": digit, click: () => label(digit) },
    make("b", {}, String(digit)), bar, make("span", { class: "share" }),
  );
});
find("#probabilities").append(...bars.map((bar) => make("li", {}, bar)));

function show() {
  const [photo, digit] = [presentPhoto(), presentDigit()];
  find("#result").hidden = !photo;
  if (!photo) return;
  const found = state.live ? state.live.sample : digit.found;
  const reason = state.live ? (state.live.reason ?? found?.reason ?? null) : reasonOf(photo, digit);
  const shown = { ...digit, found };
  showImage(found);
  showReading(photo, shown, reason);
  bars.forEach((bar, number) => showBar(bar, number, found, digit.said.label));
  showDoubts(shown, reason);
}

function showImage(found) {
  const image = find("#result-image");
  image.hidden = !found?.image;
  find("#no-image").hidden = Boolean(found?.image);
  if (found?.image) image.src = found.image;
  image.alt = isRead(found) ? word("result.image", { digit: found.digit }) : "";
}

function showReading(photo, { said, found }, reason) {
  const waiting = !photo.look && !state.live;
  find("#reading").textContent = isRead(found) ? found.digit : waiting ? "…" : "–";
  find("#confidence").textContent = isRead(found)
    ? word("result.sure", { share: percent(found.confidence) })
    : word(waiting ? "result.waiting" : reason ? "result.nothing" : "result.no-network");
  const label = find("#label");
  label.textContent = said.rejected
    ? word("result.rejected")
    : said.label === null ? word("result.unlabelled") : word("result.labelled", { label: said.label });
  label.dataset.kind = said.rejected ? "rejected" : said.label === null ? "" : "labelled";
  find("#accept").disabled = !isRead(found);
}

function showBar(bar, digit, found, label) {
  const share = found?.probabilities?.[digit] ?? null;
  bar.querySelector("i").style.width = `${100 * (share ?? 0)}%`;
  bar.querySelector(".share").textContent = share === null ? "" : percent(share);
  bar.classList.toggle("read", found?.digit === digit && found.image !== null);
  bar.setAttribute("aria-pressed", String(label === digit));
  bar.title = word("result.label-as", { digit });
}

function showDoubts(digit, reason) {
  const { said, found } = digit;
  const doubts = [reason, found?.doubt].filter(Boolean);
  if (isOther(digit)) doubts.push(word("result.other", { digit: found.digit, label: said.label }));
  find("#doubts").replaceChildren(...doubts.map((doubt) => make("p", {}, doubt)));
  const unlike = found?.image ? found.unlike : null;
  find("#unlike").replaceChildren(...(unlike ?? []).map((sentence) => make("li", {}, sentence)));
  find("#unlike-title").textContent = unlike ? word(unlike.length ? "result.unlike" : "result.like") : "";
}

on("selection live", show);
on("photo", (id) => id === state.photo && show());
onLanguage(show);
