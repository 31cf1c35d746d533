/** Training on what is labelled: start, live curves, stop, and which network reads. */

import { curves } from "./curves.js";
import { find, make, openDialog, percent } from "./dom.js";
import { countsOf } from "./photo.js";
import { get, post, put, remove } from "./server.js";
import { on, state, tell } from "./state.js";
import { onLanguage, word } from "./words.js";

const isRunning = () => state.training?.state === "running";

function show() {
  if (!state.project) return;
  const { training, project } = state;
  const { labelled } = countsOf(state.photos.values());
  find("#train-counts").textContent = word("train.counts", { n: labelled });
  find("#start-training").disabled = isRunning();
  find("#stop-training").hidden = !isRunning();
  find("#training").hidden = !training;
  showNetworks(project);
  if (!training) return;
  find("#training-said").textContent = sentence(training);
  find("#training-progress").value = training.progress;
  find("#training-progress").hidden = !isRunning();
  const labels = { train: word("train.on"), validation: word("train.held-back") };
  find("#curves").replaceChildren(
    curves(training, "loss", { title: word("train.loss"), ...labels }),
    curves(training, "accuracy", { title: word("train.accuracy"), ...labels }),
  );
  showAccuracies(training);
}

function sentence({ state: how, error, epochs, history, images, held_back: heldBack }) {
  if (how === "failed") return error;
  return word(`train.${how}`, { n: history.length, epochs, images, held_back: heldBack });
}

/** What the best epoch reads of the images held back, beside what the bundled network does. */
function showAccuracies({ before, history }) {
  const known = history.map((epoch) => epoch.validation_accuracy).filter((share) => share !== null);
  const share = (value) => (value === null || value === undefined ? "–" : percent(value));
  find("#before").textContent = share(before);
  find("#after").textContent = share(known.length ? Math.max(...known) : null);
}

function showNetworks({ network, networks }) {
  const choice = (name) => {
    const input = make("input", { type: "radio", name: "network", value: name });
    input.checked = name === network;
    input.onchange = () => choose(name);
    return make("label", {}, input, ` ${word(`network.${name}`)}`);
  };
  find("#networks").replaceChildren(...networks.map(choice));
}

async function attempt(act) {
  find("#training-error").textContent = "";
  try {
    await act();
  } catch (refusal) {
    find("#training-error").textContent = refusal.message;
  }
  show();
}

const choose = (network) =>
  attempt(async () => {
    state.project.network = (await put("api/network", { network })).network;
    tell("network");
  });

const start = () =>
  attempt(async () => {
    const epochs = find("#epochs").valueAsNumber;
    state.training = await post("api/training", { start: find("#start-from").value, epochs });
  });

const stop = () =>
  attempt(async () => {
    takeTraining(await remove("api/training"));
  });

/** Take over how the training stands; once it has ended there may be another network to read with. */
export async function takeTraining(training) {
  state.training = training;
  show();
  if (isRunning()) return;
  const { network, networks } = await get("api/project");
  Object.assign(state.project, { network, networks });
  tell("network");
}

find("#train").onclick = () => {
  show();
  openDialog(find("#train-dialog"));
};
find("#start-training").onclick = start;
find("#stop-training").onclick = stop;
on("network training", show);
on("photo", () => find("#train-dialog").open && show());
onLanguage(show);
