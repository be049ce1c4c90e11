/** The points of a ring of alternating x and y. */
export function pointsOf(ring: readonly number[]): [number, number][] {
  return Array.from({length: ring.length / 2}, (_, i) => [ring[2 * i]!, ring[2 * i + 1]!]);
}

/**
 * Joins rings into one: from the first point of each, the line goes to the first point of the next, around it and back.
 * Filled by the even-odd rule, the line has no area.
 */
export function joinedRing(rings: readonly (readonly number[])[]): readonly number[] {
  const [first = [], ...others] = rings;
  if (others.length === 0) return first;
  const joined = [...first, first[0]!, first[1]!];
  // All lines start at the first point of the first ring, which closes itself.
  for (const ring of others) joined.push(...ring, ring[0]!, ring[1]!, first[0]!, first[1]!);
  return joined.slice(0, -2);
}

/** Whether a point is inside a ring, by the even-odd rule. The point must not be at the height of a corner. */
export function isInRing([x, y]: readonly [number, number], ring: readonly number[]): boolean {
  let isInside = false;
  let [lastX, lastY] = [ring.at(-2)!, ring.at(-1)!];
  for (let i = 0; i < ring.length; i += 2) {
    const [nextX, nextY] = [ring[i]!, ring[i + 1]!];
    const crosses = lastY > y !== nextY > y && x < lastX + ((nextX - lastX) * (y - lastY)) / (nextY - lastY);
    if (crosses) isInside = !isInside;
    [lastX, lastY] = [nextX, nextY];
  }
  return isInside;
}
