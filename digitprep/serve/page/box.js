/** Boxes on a photo: [left, top, width, height] in pixels of the upright photo, kept inside of it. */

const SMALLEST_PX = 4;

const between = (low, value, high) => Math.min(Math.max(value, low), Math.max(low, high));

/** The box in whole pixels, inside of a photo of that size. */
export function inside([left, top, width, height], size) {
  const across = between(SMALLEST_PX, Math.round(width), size.width);
  const down = between(SMALLEST_PX, Math.round(height), size.height);
  return [
    between(0, Math.round(left), size.width - across),
    between(0, Math.round(top), size.height - down),
    across,
    down,
  ];
}

/** The box between two corners, whichever they are. */
export function spanned(from, to) {
  return [Math.min(from.x, to.x), Math.min(from.y, to.y), Math.abs(to.x - from.x), Math.abs(to.y - from.y)];
}

/** The corner across from the one that a point takes hold of, or null where it is near none. */
export function heldCorner(box, point, reach) {
  const [left, top, width, height] = box;
  for (const [x, y] of [[left, top], [left + width, top], [left, top + height], [left + width, top + height]]) {
    if (Math.hypot(point.x - x, point.y - y) <= reach) {
      return { x: 2 * left + width - x, y: 2 * top + height - y };
    }
  }
  return null;
}

/** Whether a point lies in a box. */
export function holds([left, top, width, height], { x, y }) {
  return x >= left && y >= top && x <= left + width && y <= top + height;
}

/** A box that an arrow key moves, or makes larger or smaller. */
export function nudged([left, top, width, height], key, by, resize) {
  const across = { ArrowLeft: -by, ArrowRight: by }[key] ?? 0;
  const down = { ArrowUp: -by, ArrowDown: by }[key] ?? 0;
  return resize ? [left, top, width + across, height + down] : [left + across, top + down, width, height];
}
