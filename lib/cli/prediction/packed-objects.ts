import {inTurns, Turn} from '../../basics/turns.js';
import type {ObjectMeasurements} from '../../measure/measurements.js';

/** The measured objects of an image, in a fraction of the memory that one JavaScript object for each takes. */
export type PackedObjects = {
  classNames: readonly string[];
  /** The columns that are numbers. */
  columns: readonly string[];
  /** The numbers, object by object. NaN where nothing can be measured. */
  numbers: Float64Array;
};

/** Objects that are packed or unpacked between two looks at the clock. */
const OBJECTS = 64;

/** Packs those of `columns` that are numbers, and the classes. Works in turns. */
export async function packObjects(
  objects: readonly ObjectMeasurements[],
  columns: readonly string[],
): Promise<PackedObjects> {
  const numeric = columns.filter((name) => name !== 'image' && name !== 'class');
  const numbers = new Float64Array(objects.length * numeric.length);
  const part = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      for (const [k, name] of numeric.entries()) numbers[i * numeric.length + k] = objects[i]![name as 'area'];
    }
  };
  await inTurns(objects.length, part, new Turn(), OBJECTS);
  return {classNames: objects.map((object) => object.class!), columns: numeric, numbers};
}

/** Packed objects of the same columns as one. There is at least one part. */
export function joinPacked(parts: readonly PackedObjects[]): PackedObjects {
  const numbers = new Float64Array(parts.reduce((sum, part) => sum + part.numbers.length, 0));
  let at = 0;
  for (const part of parts) {
    numbers.set(part.numbers, at);
    at += part.numbers.length;
  }
  return {classNames: parts.flatMap(({classNames}) => classNames), columns: parts[0]!.columns, numbers};
}

/** The objects that were packed. Works in turns. */
export async function unpackObjects({classNames, columns, numbers}: PackedObjects): Promise<ObjectMeasurements[]> {
  const objects: ObjectMeasurements[] = [];
  const part = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      const row = columns.map((name, k) => [name, numbers[i * columns.length + k]]);
      objects.push({class: classNames[i], ...Object.fromEntries(row)});
    }
  };
  await inTurns(classNames.length, part, new Turn(), OBJECTS);
  return objects;
}
