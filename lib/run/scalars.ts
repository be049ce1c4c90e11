/**
 * The numbers of a record by the names that lead to them: `{pixel: {mean: {iou: 0.5}}}` has ['pixel', 'mean', 'iou']. So a
 * metric that is new appears in every report by itself. Lists are left out: they are per image or per curve, not one value.
 */
export function leaves(record: object | null | undefined): [names: string[], value: number][] {
  return Object.entries(record ?? {}).flatMap(([name, value]): [string[], number][] => {
    if (typeof value === 'number') return [[[name], value]];
    if (typeof value !== 'object' || Array.isArray(value) || ArrayBuffer.isView(value)) return [];
    return leaves(value).map(([names, number]) => [[name, ...names], number]);
  });
}

/** The same by path: 'pixel.mean.iou'. */
export function scalars(record: object | null | undefined): [path: string, value: number][] {
  return leaves(record).map(([names, value]) => [names.join('.'), value]);
}
