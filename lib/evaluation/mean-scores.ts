/** Scores by name; null where a score has no value, because there was nothing to find or nothing was predicted. */
type Scores<Name extends string> = Record<Name, number | null>;

/** `part / whole`, or null if `whole` is 0. */
export function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

/**
 * The mean of each score over the images that have ground truth, of those in which it has a value; null if there are
 * none. Images without ground truth are left out: a network that finds nothing would score 1 on them.
 */
export function meanScores<Name extends string>(
  images: readonly {scores: Scores<Name>; isEmpty: boolean}[],
  names: readonly Name[],
): Scores<Name> {
  const means = names.map((name) => {
    const values = images.flatMap(({scores, isEmpty}) => (isEmpty || scores[name] === null ? [] : [scores[name]]));
    return [
      name,
      share(
        values.reduce((sum, value) => sum + value, 0),
        values.length,
      ),
    ] as const;
  });
  return Object.fromEntries(means) as Scores<Name>;
}
