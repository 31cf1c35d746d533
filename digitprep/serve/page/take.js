/** Taking the work away: the dataset, the recipe, the labels, the report, the trained network. */

import { find, make, openDialog, say } from "./dom.js";
import { countsOf } from "./photo.js";
import { answerTo, post } from "./server.js";
import { on, state, takePhoto } from "./state.js";
import { onLanguage, word } from "./words.js";

/** A text as one word of a shell's command. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function show() {
  if (!state.project || !state.catalog) return;
  const counts = countsOf(state.photos.values());
  const which = find("#which").value;
  find("#take-counts").textContent = word("list.counts", counts);
  find("#accept-all").textContent = word("take.accept-all", { n: counts.sure });
  find("#accept-all").disabled = counts.sure === 0;
  const format = find("#format").value;
  find("#download").href = `api/export?format=${encodeURIComponent(format)}&which=${which}`;
  find("#format-summary").textContent =
    state.catalog.formats.find(({ name }) => name === format)?.summary ?? "";
  find("#command").textContent = `digitprep clean PHOTOS -o DST --pipeline ${quoted(state.pipeline.text)}`;
  find("#download-network").hidden = !state.project.networks.includes("trained");
}

function showFormats() {
  const chosen = find("#format").value;
  const names = state.catalog.formats.map(({ name }) => name);
  find("#format").replaceChildren(...names.map((name) => make("option", {}, name)));
  if (names.includes(chosen)) find("#format").value = chosen;
}

async function acceptAll() {
  try {
    const { photos } = await post("api/accept");
    photos.forEach(takePhoto);
    find("#take-said").textContent = word("take.accepted");
  } catch (refusal) {
    find("#take-said").textContent = refusal.message;
  }
  show();
}

/**
 * Download what a link leads to. A link alone would leave a browser's own words where the server
 * refuses, so the answer is fetched first and then handed over as a file.
 */
async function download(event) {
  event.preventDefault();
  const said = find("#take-said");
  said.textContent = word("take.preparing");
  try {
    const answer = await answerTo(event.currentTarget.href);
    const [, name] = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "") ?? [];
    const address = URL.createObjectURL(await answer.blob());
    make("a", { href: address, download: name ?? "digitprep" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000); // by then the browser has read it
    said.textContent = word("take.downloaded", { name: name ?? "" });
  } catch (refusal) {
    said.textContent = refusal.message;
  }
}

async function copyCommand() {
  await navigator.clipboard.writeText(find("#command").textContent).catch(() => {});
  say(word("text.copied"));
}

for (const link of document.querySelectorAll("#take-dialog a[data-download]")) link.onclick = download;
find("#take-away").onclick = () => {
  find("#take-said").textContent = "";
  show();
  openDialog(find("#take-dialog"));
};
find("#accept-all").onclick = acceptAll;
find("#copy-command").onclick = copyCommand;
find("#format").onchange = show;
find("#which").onchange = show;
on("catalog", showFormats);
on("photo pipeline network", () => find("#take-dialog").open && show());
onLanguage(show);
