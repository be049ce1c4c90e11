import type {LabelMap} from '../../lib/evaluation/label-map.js';

/** A label map given as text: a digit is an object, anything else is background. */
export function drawn(...rows: string[]): LabelMap {
  const width = rows[0]!.length;
  const labels = Int32Array.from(rows.join(''), (character) => (/\d/.test(character) ? Number(character) : 0));
  return {width, height: rows.length, labels};
}
