/**
 * All numbers in a record with the names that lead to them: `{pixel: {mean: {iou: 0.5}}}` gives ['pixel', 'mean',
 * 'iou']. New metrics therefore appear in every report automatically. Lists are skipped, because they hold values per
 * image or per curve.
 */
export function leaves(record: object | null | undefined): [names: string[], value: number][] {
  return Object.entries(record ?? {}).flatMap(([name, value]): [string[], number][] => {
    if (typeof value === 'number') return [[[name], value]];
    if (typeof value !== 'object' || Array.isArray(value) || ArrayBuffer.isView(value)) return [];
    return leaves(value).map(([names, number]) => [[name, ...names], number]);
  });
}

/** The same numbers by path, such as 'pixel.mean.iou'. */
export function scalars(record: object | null | undefined): [path: string, value: number][] {
  return leaves(record).map(([names, value]) => [names.join('.'), value]);
}
