/**
 * The numbers of a record by their path: `{pixel: {mean: {iou: 0.5}}}` has 'pixel.mean.iou'. So a metric that is new appears
 * in every report by itself. Lists are left out: they are per image or per curve, not one value.
 */
export function scalars(record: object | null | undefined): [path: string, value: number][] {
  return Object.entries(record ?? {}).flatMap(([name, value]): [string, number][] => {
    if (typeof value === 'number') return [[name, value]];
    if (typeof value !== 'object' || Array.isArray(value) || ArrayBuffer.isView(value)) return [];
    return scalars(value).map(([path, number]) => [`${name}.${path}`, number]);
  });
}
