/** What a photo holds and what is to be thought of it; nothing here changes anything. */

/**
 * @typedef {{label: ?number, box: ?number[], rejected: boolean}} Said what a person said of a digit
 * @typedef {{key: string, said: Said, found: ?object}} Digit `found` is what the server saw, or null
 */

const UNSAID = { label: null, box: null, rejected: false };

/** The digits of a photo, in reading order: one with the key "", or those of a page. @returns {Digit[]} */
export function digitsOf(photo) {
  const found = new Map((photo.look?.samples ?? []).map((sample) => [sample.key, sample]));
  // A box that was only just drawn on a page is a digit before the server has looked at it.
  const drawn = Object.keys(photo.samples).filter((key) => photo.samples[key].box && isDrawn(key));
  const keys = new Set(photo.many ? [...found.keys(), ...drawn] : [""]);
  return [...keys].map((key) => digitOf(photo, key, found));
}

/** Whether a network has read something in what was found: an image of another size it cannot read. */
export const isRead = (found) => Boolean(found?.image) && found.digit !== null;

/** The digit of that key; one of which nothing is known where a page is not read yet, or holds none. */
export function digitOf(photo, key, found = new Map()) {
  return { key, said: { ...UNSAID, ...photo.samples[key] }, found: found.get(key) ?? null };
}

/** Whether a digit of a page was added by hand. */
export const isDrawn = (key) => /^b\d+$/.test(key);

/** The key for a digit that is added to a page. */
export function nextDrawnKey(photo) {
  const keys = [...Object.keys(photo.samples), ...digitsOf(photo).map((digit) => digit.key)];
  return `b${1 + Math.max(0, ...keys.filter(isDrawn).map((key) => Number(key.slice(1))))}`;
}

/** The photo as it will be once a change is saved. */
export function changed(photo, { many = photo.many, samples = {} }) {
  const result = { ...photo, many, samples: { ...photo.samples } };
  for (const [key, said] of Object.entries(samples)) {
    result.samples[key] = { ...UNSAID, ...photo.samples[key], ...said };
  }
  if (many !== photo.many) result.look = null;
  return result;
}

/** Why there is no image of a digit, or null. */
export const reasonOf = (photo, digit) => digit.found?.reason ?? (digit.found ? null : photo.look?.reason ?? null);

/** Whether nobody has said anything of a digit yet. */
const isOpen = ({ said }) => said.label === null && !said.rejected;

/** Whether a digit waits for a person: nothing was found, or what was read may be wrong. */
export function isDoubtful(photo, digit) {
  return isOpen(digit) && Boolean(reasonOf(photo, digit) || digit.found?.doubt);
}

/** Whether what was read is another digit than the label says. */
export const isOther = ({ said, found }) =>
  said.label !== null && found !== null && found.digit !== null && found.image !== null && found.digit !== said.label;

/** The signs of what a digit is, besides the colours that not everybody sees. */
export const MARKS = { rejected: "✕", other: "≠", labelled: "✓", doubtful: "?", "": "" };

/** What a digit is: one of the MARKS; "" where there is nothing to say of it. */
export function kindOf(photo, digit) {
  if (digit.said.rejected) return "rejected";
  if (isOther(digit)) return "other";
  if (digit.said.label !== null) return "labelled";
  return isDoubtful(photo, digit) ? "doubtful" : "";
}

/** What a photo is: of a page's digits the one to look at first says it. */
export function kindOfPhoto(photo) {
  const kinds = digitsOf(photo).map((digit) => kindOf(photo, digit));
  return ["doubtful", "other", "", "labelled", "rejected"].find((kind) => kinds.includes(kind)) ?? "";
}

/** How soon a digit should be looked at: the smaller, the sooner. */
function urgency(photo, digit) {
  if (digit.said.rejected) return 12; // it has been dealt with
  const order = [
    reasonOf(photo, digit) !== null,
    Boolean(digit.found?.doubt),
    isOther(digit),
    Boolean(digit.found?.unlike.length),
    digit.found !== null,
  ];
  const place = order.indexOf(true);
  return 2 * (place < 0 ? order.length : place) + (digit.said.label === null ? 0 : 1);
}

const FILTERS = {
  all: () => true,
  doubtful: isDoubtful,
  unlabelled: (photo, digit) => isOpen(digit),
  rejected: (photo, { said }) => said.rejected,
};

/** Whether a filter shows a photo: one of its digits is enough. */
export const passes = (photo, filter) =>
  filter === "all" || digitsOf(photo).some((digit) => FILTERS[filter](photo, digit));

/** The numbers of the photos that a filter shows, those that need a look first. */
export function arranged(photos, filter) {
  return [...photos]
    .filter((photo) => passes(photo, filter))
    .map((photo) => [Math.min(...digitsOf(photo).map((digit) => urgency(photo, digit)), 13), photo.id])
    .sort(([soon, id], [later, other]) => soon - later || id - other)
    .map(([, id]) => id);
}

/** How many digits there are of each kind. */
export function countsOf(photos) {
  const counts = { all: 0, labelled: 0, unlabelled: 0, doubtful: 0, rejected: 0, sure: 0 };
  for (const photo of photos) {
    for (const digit of digitsOf(photo)) {
      const doubtful = isDoubtful(photo, digit);
      counts.all += 1;
      counts.labelled += digit.said.label !== null && !digit.said.rejected;
      counts.unlabelled += isOpen(digit);
      counts.doubtful += doubtful;
      counts.rejected += digit.said.rejected;
      counts.sure += isOpen(digit) && !doubtful && digit.found !== null;
    }
  }
  return counts;
}
