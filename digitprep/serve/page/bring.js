/** Bringing photos in: dropped, chosen, pasted; the camera and the canvas hand theirs over, too. */

import { find, make, say } from "./dom.js";
import { upload } from "./server.js";
import { choose, takePhoto } from "./state.js";
import { word } from "./words.js";

const AT_ONCE = 3;
/** What the server's loader can read, by name; a folder's other files are passed over. */
const PHOTO = /\.(avif|bmp|gif|heic|heif|jpe?g|pbm|pgm|png|pnm|ppm|tiff?|webp)$/i;

const waiting = [];
let [brought, all, running] = [0, 0, 0];

const looksLikePhoto = (name) => PHOTO.test(name) && !name.startsWith(".");

/** Send photos to the server, a few at a time; one that is refused does not stop the others. */
export function bring(files) {
  if (running === 0) [brought, all] = [0, 0];
  waiting.push(...files);
  all += files.length;
  const alone = files.length === 1;
  while (running < AT_ONCE && waiting.length) {
    running += 1;
    work(alone);
  }
  showProgress();
}

async function work(alone) {
  while (waiting.length) {
    const file = waiting.shift();
    try {
      const photo = await upload(file.name, file);
      takePhoto(photo);
      if (alone) choose(photo.id);
    } catch (refusal) {
      refuse(file.name, refusal.message);
    }
    brought += 1;
    showProgress();
  }
  running -= 1;
  if (running === 0) {
    say(word("bring.done", { n: all }));
    find("#progress").hidden = true;
  }
}

function showProgress() {
  find("#progress").hidden = all === 0;
  find("#progress-bar").max = all;
  find("#progress-bar").value = brought;
  find("#progress-text").textContent = word("bring.progress", { n: brought, all });
}

function refuse(name, reason) {
  find("#refused").hidden = false;
  find("#refused ul").append(make("li", {}, make("b", {}, name), ` ${reason}`));
}

/** Photos out of a list of files; without any, it says so. */
function bringChosen(files) {
  const photos = [...files].filter((file) => looksLikePhoto(file.name));
  if (photos.length) bring(photos);
  else if (files.length) say(word("bring.none"));
}

/** All files in what was dropped, folders walked through. */
async function filesIn(entry) {
  if (entry.isFile) return [await new Promise((found, failed) => entry.file(found, failed))];
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    // A reader gives a folder's entries in parts, and none at the end.
    const part = await new Promise((found, failed) => reader.readEntries(found, failed));
    if (!part.length) return files;
    for (const inner of part) files.push(...(await filesIn(inner)));
  }
}

async function dropped(event) {
  event.preventDefault();
  document.body.classList.remove("dropping");
  // The entries must be asked for before the first pause; afterwards the list is empty.
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  const found = await Promise.all(
    entries.map(async (entry) => [entry, await filesIn(entry).catch(() => [])]),
  );
  const single = found.filter(([entry]) => entry.isFile).flatMap(([, files]) => files);
  const inFolders = found.filter(([entry]) => entry.isDirectory).flatMap(([, files]) => files);
  const photos = [...single, ...inFolders.filter((file) => looksLikePhoto(file.name))];
  if (photos.length) bring(photos);
  else say(word("bring.none"));
}

addEventListener("dragover", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dropping");
});
addEventListener("drop", (event) => {
  if (event.dataTransfer?.types.includes("Files")) dropped(event);
});
addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
  if (files.length) bring(files);
});
find("#choose").onchange = ({ target }) => {
  bring([...target.files]); // chosen one by one: the server says what is wrong with each
  target.value = "";
};
find("#folder").onchange = ({ target }) => {
  bringChosen(target.files);
  target.value = "";
};
find("#forget-refused").onclick = () => {
  find("#refused").hidden = true;
  find("#refused ul").replaceChildren();
};
