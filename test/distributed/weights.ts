import type {StateDict} from '../../lib/index.js';

/** The tensors of `dict` that are float32 and not of a layer in `without`, as base64. */
export function weightsOf(dict: StateDict, without: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    [...dict.values()]
      .filter(({name, dtype}) => dtype === 'float32' && !without.some((layer) => name.startsWith(`${layer}.`)))
      .map(({name, data}) => [name, Buffer.from(data).toString('base64')]),
  );
}

function floats(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** The largest difference of two sets of weights, and the largest weight. */
export function difference(a: Record<string, string>, b: Record<string, string>): {most: number; largest: number} {
  let [most, largest] = [0, 0];
  for (const [name, text] of Object.entries(a)) {
    const [x, y] = [floats(text), floats(b[name]!)];
    if (x.length !== y.length || x.length === 0) throw new Error(`${name} has ${x.length} and ${y.length} values.`);
    for (let i = 0; i < x.length; i++) {
      most = Math.max(most, Math.abs(x[i]! - y[i]!));
      largest = Math.max(largest, Math.abs(x[i]!));
    }
  }
  return {most, largest};
}
