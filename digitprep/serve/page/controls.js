/** Controls for a step's options, made from what the catalog says that they take. */

import { make } from "./dom.js";

const WIDE = 1000; // from here on a slider's ends are too far apart for equal steps
const PLACES = 500;

/**
 * A labelled control.
 *
 * @param {object} option the catalog's
 * @param {{name: string, fullName: string, focus: string, value: *, tryOut: function, finish: function}} use
 *     `tryOut` gets each value while it changes, `finish` the one it is left at
 */
export function control(option, use) {
  const kinds = { switch: checkbox, choice: select, text: textField, number: numberField, whole: numberField };
  const [kind, ...parts] = kinds[option.kind](option, use);
  return make("label", { class: `control ${kind}` }, make("span", {}, use.name), ...parts);
}

const common = (use) => ({ "data-focus": use.focus, "aria-label": use.fullName });

function checkbox(option, use) {
  const input = make("input", { type: "checkbox", ...common(use) });
  input.checked = Boolean(use.value);
  input.onchange = () => use.finish(input.checked);
  return ["check", input];
}

function select(option, use) {
  const choices = option.optional ? [null, ...option.choices] : option.choices;
  const input = make("select", common(use), ...choices.map((choice) => make("option", {}, String(choice ?? "–"))));
  input.selectedIndex = choices.indexOf(use.value);
  input.onchange = () => use.finish(choices[input.selectedIndex]);
  return ["select", input];
}

function textField(option, use) {
  const input = make("input", { type: "text", ...common(use) });
  input.value = use.value ?? "";
  input.onchange = () => use.finish(input.value === "" && option.optional ? null : input.value);
  return ["text", input];
}

function numberField(option, use) {
  const { low, high } = option;
  const field = make("input", { type: "number", min: low, max: high, step: stepOf(option), ...common(use) });
  field.value = use.value ?? "";
  const value = () => (field.value === "" && option.optional ? null : field.valueAsNumber);
  const valid = () => field.value !== "" ? field.checkValidity() : option.optional;
  const slider = low === null || high === null ? null : range(option, use, field);
  field.oninput = () => {
    if (!valid()) return;
    if (slider) slider.value = placeOf(option, value() ?? low);
    use.tryOut(value());
  };
  field.onchange = () => valid() && use.finish(value());
  return ["number", field, slider];
}

function range(option, use, field) {
  const slider = make("input", {
    type: "range", min: 0, max: placesOf(option), step: 1, tabindex: 0, "aria-label": use.fullName,
  });
  const take = () => {
    field.value = valueAt(option, slider.valueAsNumber);
    slider.setAttribute("aria-valuetext", field.value);
    return field.valueAsNumber;
  };
  slider.value = placeOf(option, use.value ?? option.low);
  slider.setAttribute("aria-valuetext", String(use.value ?? ""));
  slider.dataset.focus = `${use.focus} slider`;
  slider.oninput = () => use.tryOut(take());
  slider.onchange = () => use.finish(take());
  return slider;
}

const span = ({ low, high }) => high - low;

/** A hundredth of the range or somewhat less, as a power of ten; whole numbers go by ones. */
const unit = (option) => (option.kind === "whole" ? 1 : 10 ** Math.floor(Math.log10(span(option) / 99)));
const stepOf = (option) => (option.kind === "whole" ? 1 : "any");
const isWide = (option) => span(option) > WIDE;
const placesOf = (option) => (isWide(option) ? PLACES : Math.round(span(option) / unit(option)));

/** The value at a place of the slider; wide ranges grow by factors, so that small values can be met. */
function valueAt(option, place) {
  const { low } = option;
  if (isWide(option)) return Math.round(low + Math.expm1((place / PLACES) * Math.log1p(span(option))));
  return Number((low + place * unit(option)).toPrecision(6));
}

function placeOf(option, value) {
  const above = value - option.low;
  if (isWide(option)) return Math.round((PLACES * Math.log1p(above)) / Math.log1p(span(option)));
  return Math.round(above / unit(option));
}
