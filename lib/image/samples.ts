/** Types of the numbers that image files store, by numpy's names. */
export type SampleType = 'uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32' | 'float32' | 'float64';

/** Numbers of one channel: `values[offset + i * stride]` for pixel i, row-major. */
export type Plane = {
  values: Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array;
  offset: number;
  stride: number;
  /** Number of pixels. */
  length: number;
};

/** What each type of up to 16 bits needs for a table of all its values. */
export const SHORT_TYPES = {
  uint8: {least: 0, values: 256},
  int8: {least: -128, values: 256},
  uint16: {least: 0, values: 65536},
  int16: {least: -32768, values: 65536},
} as const;

/** The ends of the whole range of a type; for floating-point numbers 0 and 1. */
export function fullRange(type: SampleType): [low: number, high: number] {
  if (isFloat(type)) return [0, 1];
  if (type === 'uint32') return [0, 2 ** 32 - 1];
  if (type === 'int32') return [-(2 ** 31), 2 ** 31 - 1];
  const {least, values} = SHORT_TYPES[type];
  return [least, least + values - 1];
}

export function isFloat(type: SampleType): type is 'float32' | 'float64' {
  return type === 'float32' || type === 'float64';
}

export function isShort(type: SampleType): type is keyof typeof SHORT_TYPES {
  return Object.hasOwn(SHORT_TYPES, type);
}
