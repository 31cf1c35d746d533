/** The workbench's page: loads what there is, and keeps in step with the server and other tabs. */

import "./bring.js";
import "./camera.js";
import "./digits.js";
import "./drawing.js";
import "./evaluation.js";
import "./fix.js";
import "./keys.js";
import "./list.js";
import "./result.js";
import "./steps.js";
import "./take.js";
import "./text.js";
import { find, make, say } from "./dom.js";
import { takePipeline } from "./pipeline.js";
import { get } from "./server.js";
import { loadProject, state, takePhoto, tell } from "./state.js";
import { takeTraining } from "./training.js";
import { speak, wantedLanguage, word } from "./words.js";

const LANGUAGES = { en: "English", zh: "中文" };

/** What to do with each kind of event. */
const HEARD = {
  photo: takePhoto,
  pipeline: takePipeline,
  training: takeTraining,
  network: (said) => {
    Object.assign(state.project, said);
    tell("network");
  },
  counts: (said) => {
    Object.assign(state.project, said);
    tell("counts");
  },
};

async function load() {
  await loadProject();
  find("#project").textContent = state.project.name;
}

/** Listen to the server; whenever that begins, load the project, which has what happened before. */
function listen() {
  const events = new EventSource("api/events");
  events.onerror = () => {
    find("#away").hidden = false;
    if (!state.project) load().catch((error) => say(error.message)); // too many windows listen already
    // A browser gives up for good on an answer that is no stream of events, as a proxy's error.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  };
  events.onopen = async () => {
    await load();
    find("#away").hidden = true;
  };
  for (const [name, take] of Object.entries(HEARD)) {
    events.addEventListener(name, (event) => {
      if (state.project || name === "photo") take(JSON.parse(event.data)); // else the project will tell
    });
  }
}

async function begin() {
  const choice = find("#language");
  choice.append(...Object.entries(LANGUAGES).map(([code, name]) => make("option", { value: code, lang: code }, name)));
  choice.value = wantedLanguage(Object.keys(LANGUAGES));
  choice.onchange = () => speak(choice.value).catch(() => say(word("error.away")));
  await speak(choice.value);
  state.catalog = await get("api/catalog");
  tell("catalog");
  listen();
}

begin().catch((error) => say(error.message));
