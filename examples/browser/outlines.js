/**
 * The object of a mask in COCO's compressed run lengths, `{size: [height, width], counts}`: for each column of
 * the image the rows where its runs begin and end, alternately. Work and memory grow with the outline and the
 * width of the image, not with the area.
 */
export function columnsOf({size: [height, width], counts}) {
  const columns = Array.from({length: width}, () => []);
  const runs = [];
  let at = 0;
  for (let i = 0; i < counts.length; ) {
    // Groups of five bits, lowest first, each as a character from code 48 on; 32 more if others follow.
    let [run, shift, group] = [0, 0, 32];
    for (; group & 32; shift += 5) {
      group = counts.charCodeAt(i++) - 48;
      run |= (group & 31) << shift;
    }
    if (group & 16 && shift < 32) run |= -1 << shift; // a negative one
    if (runs.length > 2) run += runs.at(-2); // from the fourth on, the difference to the one two before
    runs.push(run);
    const end = at + run;
    if (runs.length % 2 === 0) {
      for (let from = at; from < end; ) {
        const x = Math.floor(from / height);
        const to = Math.min(end, (x + 1) * height);
        columns[x].push(from - x * height, to - x * height);
        from = to;
      }
    }
    at = end;
  }
  return columns;
}

/**
 * The outlines of an object, by its `columns`, along the edges of its pixels: closed rings of [x, y] with the object on
 * their right. Outer rings have a positive area, holes a negative one.
 */
export function outlinesOf(columns) {
  const at = (x, y) => isWithin(columns[x], y);
  const used = new Set(); // upper edges, by column and row
  const rings = [];
  for (const [x, rows] of columns.entries()) {
    for (let i = 0; i < rows.length; i += 2) {
      if (!used.has(key(x, rows[i]))) rings.push(follow(at, x, rows[i], used));
    }
  }
  return rings;
}

/** Whether a row is within one of a column's runs. */
function isWithin(rows, y) {
  if (rows === undefined) return false;
  let [low, high] = [0, rows.length]; // how many of the rows are up to y
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle] <= y) low = middle + 1;
    else high = middle;
  }
  return low % 2 === 1;
}

const key = (x, y) => x * 2 ** 24 + y;

/** Directions in order of right turns: right, down, left, up. Each with the pixels left and right of the next edge. */
const STEPS = [
  {dx: 1, dy: 0, left: [0, -1], right: [0, 0]},
  {dx: 0, dy: 1, left: [0, 0], right: [-1, 0]},
  {dx: -1, dy: 0, left: [-1, 0], right: [-1, -1]},
  {dx: 0, dy: -1, left: [-1, -1], right: [0, -1]},
];

/** Follows the ring that begins with the upper edge of the pixel (x, y). */
function follow(at, startX, startY, used) {
  const ring = []; // where it turns, the start last
  let [x, y, direction] = [startX, startY, 0];
  do {
    if (direction === 0) used.add(key(x, y));
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
