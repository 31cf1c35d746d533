/** What the page knows: the project as the server has it, and which photo is looked at. */

import { arranged, changed, digitOf, digitsOf, passes } from "./photo.js";
import { get } from "./server.js";

export const state = {
  /** The project without its photos: name, classes, networks and so on. */
  project: null,
  catalog: null,
  /** @type {Map<number, object>} the photos by their numbers */
  photos: new Map(),
  /** The numbers of the photos in the list, in its order, which stays until it is asked for anew. */
  shown: [],
  filter: "all",
  /** The photo and the digit of it that are looked at. */
  photo: null,
  key: "",
  pipeline: null,
  training: null,
  /** What the steps as they stand just now make of the digit looked at; null until it is there. */
  live: null,
};

/** Changes that were made here and are on their way to the server, by photo. */
export const underway = new Map();

const listeners = new Map();

/** Call back when one of these is told of. */
export function on(topics, listener) {
  for (const topic of topics.split(" ")) {
    listeners.set(topic, [...(listeners.get(topic) ?? []), listener]);
  }
}

/** Tell everybody who listens. */
export function tell(topic, detail = undefined) {
  for (const listener of listeners.get(topic) ?? []) listener(detail);
}

/** Fetch the project anew: at the start, and after the server was away. */
export async function loadProject() {
  const { photos, pipeline, training, ...project } = await get("api/project");
  Object.assign(state, { project, pipeline, training });
  photos.forEach(keep); // what was brought or said while it was on its way is newer
  tell("project");
  arrange(state.filter);
  if (!state.photos.has(state.photo)) choose(state.shown[0] ?? null);
  for (const topic of ["pipeline", "training", "network", "counts", "selection"]) tell(topic);
}

/** Put the list in order anew, showing what a filter lets through. */
export function arrange(filter) {
  state.filter = filter;
  state.shown = arranged(state.photos.values(), filter);
  tell("list");
}

/** Keep a photo as the server has it, unless a later one has overtaken it. Says whether it was kept. */
function keep(photo) {
  const known = state.photos.get(photo.id);
  if (known && photo.revision < known.revision) return false;
  // Until the server has looked at it again, what it saw before is better than nothing.
  const look = photo.look ?? (known?.many === photo.many ? known.look : null);
  const waiting = underway.get(photo.id) ?? [];
  const kept = waiting.reduce(changed, { ...photo, look });
  // What was changed here comes twice, as an answer and as an event: showing it once is enough.
  if (JSON.stringify(kept) === JSON.stringify(known)) return false;
  state.photos.set(photo.id, kept);
  return true;
}

/** Take over a photo as the server has it, new or changed. */
export function takePhoto(photo) {
  const known = state.photos.has(photo.id);
  if (!keep(photo)) return;
  if (!known && (passes(photo, state.filter) || !photo.look)) {
    state.shown.push(photo.id);
    tell("added", photo.id);
  }
  if (state.photo === null) choose(photo.id);
  tell("photo", photo.id);
}

/** The photo looked at, or undefined. */
export const presentPhoto = () => state.photos.get(state.photo);

/** The digit looked at, undefined without a photo; of a page without digits one of which nothing is known. */
export function presentDigit() {
  const photo = presentPhoto();
  if (!photo) return undefined;
  const digits = digitsOf(photo);
  return digits.find((digit) => digit.key === state.key) ?? digits[0] ?? digitOf(photo, "");
}

/** Look at a photo; at a digit of it, or else its first. */
export function choose(id, key = undefined) {
  const photo = state.photos.get(id);
  state.photo = photo ? id : null;
  state.key = key ?? (photo ? digitsOf(photo)[0]?.key : "") ?? "";
  state.live = null;
  tell("selection");
}

/** Go on by so many digits, from photo to photo. Says whether there was one to go to. */
export function walk(by) {
  const photo = presentPhoto();
  const keys = photo ? digitsOf(photo).map((digit) => digit.key) : [];
  const within = keys[keys.indexOf(state.key) + by];
  if (photo && within !== undefined) {
    choose(photo.id, within);
    return true;
  }
  const next = state.photos.get(state.shown[state.shown.indexOf(state.photo) + by]);
  if (!next) return false;
  choose(next.id, by < 0 ? digitsOf(next).at(-1)?.key : undefined);
  return true;
}
