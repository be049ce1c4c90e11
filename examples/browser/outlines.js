/**
 * The outlines of a mask along the edges of its pixels: closed rings of [x, y] with the object on their right. Outer
 * rings have a positive area, holes a negative one. `mask` is a row-major bitmap of 0 and 1.
 */
export function outlinesOf(mask, width, height) {
  const at = (x, y) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] === 1;
  const used = new Set(); // upper edges, by pixel
  const rings = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (at(x, y) && !at(x, y - 1) && !used.has(y * width + x)) rings.push(follow(at, x, y, width, used));
    }
  }
  return rings;
}

/** Directions in order of right turns: right, down, left, up. Each with the pixels left and right of the next edge. */
const STEPS = [
  {dx: 1, dy: 0, left: [0, -1], right: [0, 0]},
  {dx: 0, dy: 1, left: [0, 0], right: [-1, 0]},
  {dx: -1, dy: 0, left: [-1, 0], right: [-1, -1]},
  {dx: 0, dy: -1, left: [-1, -1], right: [0, -1]},
];

/** Follows the ring that begins with the upper edge of the pixel (x, y). */
function follow(at, startX, startY, width, used) {
  const ring = []; // where it turns, the start last
  let [x, y, direction] = [startX, startY, 0];
  do {
    if (direction === 0) used.add(y * width + x);
    x += STEPS[direction].dx;
    y += STEPS[direction].dy;
    const next = turn(at, x, y, direction);
    if (next !== direction) ring.push([x, y]);
    direction = next;
  } while (x !== startX || y !== startY || direction !== 0);
  return ring;
}

/** Where the outline goes on at (x, y). Pixels that touch at a corner only are separate objects: right comes first. */
function turn(at, x, y, direction) {
  for (const change of [1, 0, 3]) {
    const next = (direction + change) % 4;
    const {left, right} = STEPS[next];
    if (at(x + right[0], y + right[1]) && !at(x + left[0], y + left[1])) return next;
  }
  return direction;
}

/** Twice the signed area of a ring. */
export function doubleArea(ring) {
  return ring.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = ring[(i + 1) % ring.length];
    return sum + x * nextY - nextX * y;
  }, 0);
}

/** The polygons of an object, each an outer ring and its holes. */
export function polygonsOf(rings) {
  const outer = rings.filter((ring) => doubleArea(ring) > 0);
  const polygons = outer.map((ring) => [ring]);
  for (const hole of rings.filter((ring) => doubleArea(ring) < 0)) {
    // The smallest part around the hole: parts can lie in holes of others.
    const around = polygons
      .filter(([ring]) => contains(ring, hole[0]))
      .sort(([a], [b]) => doubleArea(a) - doubleArea(b))[0];
    around?.push(hole);
  }
  return polygons;
}

/** Whether the pixel right below (x, y) is inside a ring. */
function contains(ring, [x, y]) {
  const [px, py] = [x + 0.5, y + 0.5];
  let inside = false;
  for (const [i, [ax, ay]] of ring.entries()) {
    const [bx, by] = ring[(i + 1) % ring.length];
    if (ay > py !== by > py && px < ax + ((py - ay) / (by - ay)) * (bx - ax)) inside = !inside;
  }
  return inside;
}
