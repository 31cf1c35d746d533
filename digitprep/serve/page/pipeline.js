/** The steps as they are being changed: shown live at once, saved when a change is finished. */

import { say } from "./dom.js";
import { post, put } from "./server.js";
import { on, presentDigit, presentPhoto, state, tell, underway } from "./state.js";
import { word } from "./words.js";

/** @typedef {{on: boolean, step: object}} Card */

/** @type {?Card[]} the cards where they are not yet what is saved */
let draft = null;
let saving = Promise.resolve();

/** @returns {Card[]} the cards as they stand just now */
export const cards = () => draft ?? state.pipeline?.steps ?? [];

/** Change the cards without saving them: `edit` gets a copy of its own to work on. */
export function tryOut(edit) {
  draft = structuredClone(cards());
  edit(draft);
  look();
}

/** Change the cards, and save them. */
export function change(edit) {
  tryOut(edit);
  tell("cards");
  return saveCards();
}

/** Save the cards as they stand. */
export const saveCards = () => (draft ? save({ steps: draft }) : Promise.resolve());

/** Resolves once all that was to be saved is. */
export const saved = () => saving;

/** Save the pipeline that a text describes. */
export const saveText = (text) => save({ text });

function save(said) {
  saving = saving.then(() => store(said));
  return saving;
}

async function store(said) {
  try {
    const pipeline = await put("api/pipeline", { revision: state.pipeline.revision, ...said });
    if (draft === said.steps || said.text !== undefined) draft = null;
    takePipeline(pipeline);
    tell("text-error", "");
  } catch (refusal) {
    if (refusal.answer?.pipeline) {
      draft = null;
      takePipeline(refusal.answer.pipeline);
      say(word("status.pipeline-changed-elsewhere"));
    } else tell("text-error", refusal.message);
  }
}

/** Take over the pipeline as the server has it. */
export function takePipeline(pipeline) {
  if (pipeline.revision < state.pipeline.revision) return;
  state.pipeline = pipeline;
  tell("pipeline");
}

/** What was asked for last, and how to call it off. */
let asked = "";
let calling = null;

/**
 * Ask what the steps make of the digit looked at. While one answer is on its way no second one is
 * asked for, so that a slider that moves gets answers as fast as they can be given, the newest last;
 * only where another photo is looked at the answer is called off.
 */
async function look() {
  const [photo, digit] = [presentPhoto(), presentDigit()];
  if (!photo || !state.pipeline) return;
  if (photo.many && !digit.key) return tell("live"); // a page that is not read yet
  if (underway.get(photo.id)?.length) return; // the server does not know the box yet; it is asked once it does
  const place = `${photo.id} ${digit.key}`;
  const wanted = JSON.stringify([place, photo.many, digit.said.box, cards()]);
  if (calling?.place !== place) calling?.controller.abort();
  else if (calling) return;
  if (wanted === asked) return;
  const call = (calling = { place, controller: new AbortController() });
  try {
    const body = { key: digit.key, steps: cards() };
    const live = await post(`api/photos/${photo.id}/steps`, body, call.controller.signal);
    asked = wanted;
    if (calling === call) state.live = live;
  } catch (refusal) {
    if (refusal.name === "AbortError") return;
    asked = wanted;
    if (calling === call) state.live = { panels: [], reason: refusal.message, sample: null, text: null };
  } finally {
    if (calling === call) calling = null;
  }
  if (calling) return; // it was called off just as it came
  tell("live");
  look(); // what was changed meanwhile
}

function lookAnew() {
  asked = "";
  look();
}

on("selection network", lookAnew); // another network may read another digit
on("pipeline", look);
on("photo", (id) => id === state.photo && look());
