/** The helpers with which every module makes elements. Text goes in as text, never as HTML. */

/** The one element that a selector names. */
export const find = (selector) => document.querySelector(selector);

function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * An element with attributes and children. A function listens to the event of its name, true and
 * false set and leave out an attribute, null leaves it out; children are elements or text.
 */
export function make(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/** The same for a part of a drawing. */
export function draw(tag, attributes = {}, ...children) {
  return dress(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

const SAID_MS = 6000;
let silence = 0;

/** Say something in the line at the foot of the page, which screen readers read out; then it goes. */
export function say(text) {
  const line = find("#status");
  line.textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => (line.textContent = ""), SAID_MS);
}

/** Open a dialog, whose buttons with `data-close` close it. */
export function openDialog(dialog) {
  for (const button of dialog.querySelectorAll("[data-close]")) button.onclick = () => dialog.close();
  dialog.showModal();
}

/** A share as a percentage: 0.9931 is "99.3 %". */
export function percent(share) {
  return `${(100 * share).toFixed(share > 0.9995 || share < 0.0005 ? 0 : 1)} %`;
}
