/** What a person says of a photo: labels, boxes, rejections. Shown at once, saved in their order. */

import { find, say } from "./dom.js";
import { changed, digitsOf, isDrawn, isRead, nextDrawnKey } from "./photo.js";
import { saved, takePipeline } from "./pipeline.js";
import { patch, post } from "./server.js";
import {
  choose, loadProject, on, presentDigit, presentPhoto, state, takePhoto, tell, underway, walk,
} from "./state.js";
import { word } from "./words.js";

/** The saving of each photo of which something is on its way. */
const savings = new Map();

function change(photo, changes) {
  const { id } = photo;
  underway.set(id, [...(underway.get(id) ?? []), changes]);
  state.photos.set(id, changed(photo, changes));
  tell("photo", id);
  if (!savings.has(id)) savings.set(id, saveAll(id));
}

/**
 * Save a photo's changes in their order: each needs the revision that the one before it has led to.
 * What was said while one was on its way goes together, so that fast fingers do not outrun the server.
 */
async function saveAll(id) {
  while (underway.get(id).length) await save(id, [...underway.get(id)]);
  savings.delete(id);
}

async function save(id, changes) {
  const arrived = () => underway.set(id, underway.get(id).filter((other) => !changes.includes(other)));
  try {
    const { revision } = state.photos.get(id);
    const photo = await patch(`api/photos/${id}`, { revision, ...changes.reduce(together) });
    arrived();
    takePhoto(photo);
  } catch (refusal) {
    arrived();
    if (refusal.answer?.photo) {
      takePhoto(refusal.answer.photo);
      say(word("status.changed-elsewhere", { name: refusal.answer.photo.name }));
    } else {
      say(refusal.status === 0 ? word("status.not-kept") : refusal.message);
      await loadProject().catch(() => {}); // what is shown must be what is kept
    }
  }
}

/** Two changes as one, the later one's word being the last. */
function together(before, after) {
  const samples = { ...before.samples };
  for (const [key, said] of Object.entries(after.samples ?? {})) samples[key] = { ...samples[key], ...said };
  return { ...before, ...after, samples };
}

/** The photo and the digit of it that something can be said of, or null: a page may hold no digit. */
function present() {
  const [photo, digit] = [presentPhoto(), presentDigit()];
  return digit && Boolean(digit.key) === photo.many ? [photo, digit] : null;
}

/** Say something of the digit that is looked at. */
function sayOf(said) {
  const [photo, digit] = present() ?? [];
  if (!digit) return null;
  change(photo, { samples: { [digit.key]: said } });
  return digit;
}

function goOn(text) {
  say(walk(1) ? text : `${text} ${word("status.last")}`);
}

/** Label the digit and go on to the next one. */
export function label(number) {
  const { name } = presentPhoto() ?? {};
  if (sayOf({ label: number, rejected: false })) goOn(word("status.labelled", { name, label: number }));
}

/** Take what is shown as read for the label, and go on to the next one. */
export function acceptReading() {
  const found = state.live ? state.live.sample : presentDigit()?.found;
  if (isRead(found)) label(found.digit);
  else say(word("status.nothing-read"));
}

/** Leave the digit out of the dataset and go on, or take it in again. */
export function toggleRejected() {
  const { name } = presentPhoto() ?? {};
  const digit = sayOf({ rejected: !presentDigit()?.said.rejected });
  if (!digit) return;
  if (digit.said.rejected) say(word("status.taken-back"));
  else goOn(word("status.rejected", { name }));
}

/** Take the photo for a page of many digits, or for one digit. */
export function toggleMany() {
  const photo = presentPhoto();
  if (!photo) return;
  say(word(photo.many ? "status.one" : "status.many"));
  change(photo, { many: !photo.many });
}

/** Give the digit looked at another box; null lets the machine find it, and removes a drawn digit. */
export function setBox(box) {
  const [photo, digit] = present() ?? [];
  if (!digit) return;
  change(photo, { samples: { [digit.key]: { box } } });
  if (box === null && isDrawn(digit.key)) choose(photo.id);
}

/** Add a digit to a page. */
export function addDigit(box) {
  const photo = presentPhoto();
  const key = nextDrawnKey(photo);
  change(photo, { samples: { [key]: { box } } });
  choose(photo.id, key);
}

/** Take back the last thing that was done, and show where that was. */
export async function undo() {
  try {
    await Promise.all([...savings.values(), saved()]);
    const { photos, pipeline } = await post("api/undo");
    photos.forEach(takePhoto);
    if (pipeline) takePipeline(pipeline);
    if (photos.length === 1) choose(photos[0].id, keyWithin(photos[0]));
    say(word("status.undone"));
  } catch (refusal) {
    say(refusal.status === 409 ? word("status.nothing-to-undo") : refusal.message);
  }
}

const keyWithin = (photo) =>
  photo.id === state.photo && digitsOf(photo).some(({ key }) => key === state.key) ? state.key : undefined;

// A page's digits are only known once the server has looked at it; then the first of them is shown.
on("photo", (id) => {
  if (id === state.photo && presentDigit().key !== state.key) choose(id);
});

addEventListener("beforeunload", (event) => savings.size && event.preventDefault());

find("#undo").onclick = undo;
find("#many").onclick = toggleMany;
find("#reject").onclick = toggleRejected;
find("#accept").onclick = acceptReading;
