import type {StateTensor} from '../../binding.js';
import {MaskRcnnError} from '../basics/errors.js';

/**
 * The elements of a floating-point tensor as float32. float64 is rounded; the other types are converted exactly. Throws
 * INVALID_OPTION for other dtypes.
 */
export function toFloat32({name, dtype, data}: StateTensor): Float32Array {
  // Copy, because typed arrays need an aligned offset.
  const bytes = Uint8Array.from(data).buffer;
  if (dtype === 'float32') return new Float32Array(bytes);
  if (dtype === 'float64') return Float32Array.from(new Float64Array(bytes));
  // bfloat16 is the upper half of a float32.
  if (dtype === 'bfloat16')
    return new Float32Array(Uint32Array.from(new Uint16Array(bytes), (bits) => bits << 16).buffer);
  if (dtype === 'float16') return Float32Array.from(new Uint16Array(bytes), halfToNumber);
  throw new MaskRcnnError('INVALID_OPTION', `tensor ${name} is of dtype ${dtype}, expected a floating-point one.`);
}

/** IEEE 754 binary16: one sign bit, five exponent bits, ten fraction bits. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
