/** The pipeline as text, which works in `digitprep clean --pipeline`, too; and the recipes. */

import { find, make, say } from "./dom.js";
import { saveText } from "./pipeline.js";
import { on, state } from "./state.js";
import { onLanguage, word } from "./words.js";

const field = find("#text");

const isEdited = () => field.value !== (state.live?.text ?? state.pipeline?.text);

/** Show the text, unless somebody is writing in it. */
function show() {
  if (!state.pipeline || (document.activeElement === field && !find("#apply").hidden)) return;
  field.value = state.live?.text ?? state.pipeline.text;
  showRecipe();
  find("#apply").hidden = true;
}

const plain = (text) => text.replace(/\s+/g, " ").trim();

function showRecipe() {
  const recipes = Object.entries(state.catalog?.recipes ?? {});
  const known = recipes.find(([, recipe]) => plain(recipe.text) === plain(field.value));
  find("#recipe").value = known?.[0] ?? "";
}

function showRecipes() {
  const recipes = Object.entries(state.catalog?.recipes ?? {});
  find("#recipe").replaceChildren(
    make("option", { value: "" }, word("text.own")),
    ...recipes.map(([name, { summary }]) => make("option", { value: name, title: summary }, name)),
  );
  showRecipe();
}

async function apply() {
  find("#apply").hidden = true;
  await saveText(field.value);
}

async function copy() {
  try {
    await navigator.clipboard.writeText(field.value);
    say(word("text.copied"));
  } catch {
    field.select(); // where the browser does not let the page do it, one key is left to press
    say(word("text.selected"));
  }
}

field.oninput = () => (find("#apply").hidden = !isEdited());
field.onkeydown = (event) => {
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    apply();
  }
  if (event.key === "Escape") {
    find("#apply").hidden = true;
    find("#text-error").textContent = "";
    show();
  }
};
field.onchange = () => isEdited() && apply();
find("#apply").onclick = apply;
find("#copy").onclick = copy;
find("#recipe").onchange = ({ target }) => {
  const recipe = state.catalog.recipes[target.value];
  if (recipe) saveText(recipe.text);
};
on("catalog", showRecipes);
on("pipeline live", show);
on("text-error", (sentence) => {
  find("#text-error").textContent = sentence;
  field.setAttribute("aria-invalid", String(sentence !== ""));
});
onLanguage(showRecipes);
