/** What the page says, in the reader's language. Each language is one file, words.LANGUAGE.json. */

const KEPT = "digitprep.language";
let words = {};
let chosen = null;
const listeners = [];

/** Call back whenever the language was changed. */
export const onLanguage = (listener) => listeners.push(listener);

/** The sentence of that name, its {values} filled in; the name itself where there is none. */
export function word(name, values = {}) {
  const sentence = words[name] ?? name;
  return sentence.replace(/\{(\w+)\}/g, (place, value) => values[value] ?? place);
}

/** The sentence of that name, or what to say where no dictionary has it. */
export const wordOr = (name, otherwise) => words[name] ?? otherwise;

/** Put the words into everything on the page that is marked with the name of a sentence. */
function translate() {
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = word(element.dataset.word);
  }
  for (const element of document.querySelectorAll("[data-hint]")) {
    element.title = word(element.dataset.hint);
  }
  for (const element of document.querySelectorAll("[data-named]")) {
    element.setAttribute("aria-label", word(element.dataset.named));
  }
}

/** Speak a language from now on, and on the next visit. */
export async function speak(language) {
  chosen = language;
  const found = await (await fetch(`page/words.${language}.json`)).json();
  if (language !== chosen) return; // another one was chosen while this one came
  words = found;
  document.documentElement.lang = language;
  localStorage.setItem(KEPT, language);
  translate();
  for (const listener of listeners) listener();
}

/** The language chosen on an earlier visit, or the browser's, or else the first that there is. */
export function wantedLanguage(languages) {
  const wanted = [localStorage.getItem(KEPT), ...navigator.languages.map((tag) => tag.split("-")[0])];
  return wanted.find((language) => languages.includes(language)) ?? languages[0];
}
