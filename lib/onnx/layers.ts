import type {StateTensor} from '../../binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import {inTurns} from '../basics/turns.js';
import {toFloat32} from '../weights/float-tensor.js';
import type {StateDict} from '../weights/state-dict.js';
import {LARGEST_HALF, toHalf} from './float16.js';
import type {Graph, Name} from './graph.js';

/** Epsilon of nn.BatchNorm2d, which torchvision's detection builders use everywhere. */
export const BATCH_NORM_EPS = 1e-5;

export type ConvOptions = {
  stride?: number;
  /** Whether each group of channels has a convolution of its own. The weight tells how many groups there are. */
  grouped?: boolean;
  /** The name of the batch norm that follows. It becomes part of the convolution. */
  norm?: string | undefined;
  /** Epsilon of that norm. Default: `BATCH_NORM_EPS`. */
  eps?: number;
};

/** Adds layers to a graph with the weights of a state dict, by torchvision's names. */
export class Layers {
  readonly graph: Graph;
  readonly #tensors: StateDict;
  readonly #source: string;
  readonly #half: boolean;

  /** `source` is the file of the weights, for errors. With `half`, weights (not biases) are stored as float16. */
  constructor(graph: Graph, tensors: StateDict, {source, half}: {source: string; half: boolean}) {
    this.graph = graph;
    this.#tensors = tensors;
    this.#source = source;
    this.#half = half;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** Throws STATE_DICT_MISMATCH if the weights lack the tensor. */
  shape(name: string): readonly number[] {
    return this.#tensor(name).shape;
  }

  /** A convolution that keeps the size, divided by its stride: the padding is half the kernel. */
  conv(x: Name, name: string, {stride = 1, grouped = false, norm, eps = BATCH_NORM_EPS}: ConvOptions = {}): Name {
    const weight = this.#tensor(`${name}.weight`);
    const [out, perGroup, kernel] = weight.shape as [number, number, number];
    const fold = norm === undefined ? undefined : () => this.#fold(norm, eps);
    if (norm !== undefined)
      for (const leaf of ['weight', 'bias', 'running_mean', 'running_var']) this.shape(`${norm}.${leaf}`);
    const scaled = () => {
      const values = toFloat32(weight);
      if (fold === undefined) return values;
      const {scale} = fold();
      const perChannel = values.length / out;
      for (let i = 0; i < values.length; i++) values[i]! *= scale[Math.floor(i / perChannel)]!;
      return values;
    };
    const inputs = [x, this.weight(`${name}.weight`, weight.shape, scaled)];
    const bias = this.has(`${name}.bias`) ? this.#tensor(`${name}.bias`) : undefined;
    if (fold !== undefined) {
      inputs.push(
        this.weight(`${name}.bias`, [out], () => {
          const {scale, shift} = fold();
          const own = bias && toFloat32(bias);
          return own === undefined ? shift : shift.map((value, i) => value + own[i]! * scale[i]!);
        }),
      );
    } else if (bias !== undefined) {
      inputs.push(this.weight(`${name}.bias`, [out], () => toFloat32(bias)));
    }
    const padding = Math.floor(kernel / 2);
    return this.graph.node('Conv', inputs, {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
      group: grouped ? out / perGroup : 1,
    });
  }

  /** A linear layer of [R,in] -> [R,out]. */
  linear(x: Name, name: string): Name {
    const weight = this.#tensor(`${name}.weight`);
    const bias = this.#tensor(`${name}.bias`);
    const values = [this.weight(`${name}.weight`, weight.shape, () => toFloat32(weight))];
    values.push(this.weight(`${name}.bias`, bias.shape, () => toFloat32(bias)));
    return this.graph.node('Gemm', [x, ...values], {transB: 1});
  }

  relu(x: Name): Name {
    return this.graph.node('Relu', [x]);
  }

  /** The values of a floating-point tensor of the weights. */
  values(name: string): Float32Array {
    return toFloat32(this.#tensor(name));
  }

  /** Stores a tensor made from the weights. `make` is called when the file is written. */
  weight(name: string, dims: readonly number[], make: () => Float32Array): Name {
    if (!this.#half || dims.length < 2) return this.graph.weight({name, type: 'float32', dims}, () => bytesOf(make()));
    const stored = this.graph.weight({name, type: 'float16', dims}, () => halves(make(), name, this.#source));
    return this.graph.node('Cast', [stored], {to: 1});
  }

  #tensor(name: string): StateTensor {
    const tensor = this.#tensors.get(name);
    if (tensor !== undefined) return tensor;
    throw new MaskRcnnError('STATE_DICT_MISMATCH', `${this.#source} lacks the tensor ${name}, which its network has.`, {
      file: this.#source,
    });
  }

  /** Batch norm with fixed statistics, as x · scale + shift by channel. */
  #fold(norm: string, eps: number): {scale: Float32Array; shift: Float32Array} {
    const [weight, bias, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((leaf) =>
      this.values(`${norm}.${leaf}`),
    );
    const scale = weight!.map((value, i) => value / Math.sqrt(variance![i]! + eps));
    return {scale, shift: bias!.map((value, i) => value - mean![i]! * scale[i]!)};
  }
}

/** The bytes of numbers. ONNX stores them little-endian, as every platform of Node.js has them. */
function bytesOf(values: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

async function halves(values: Float32Array, name: string, source: string): Promise<Uint8Array> {
  const rounded = new Uint16Array(values.length);
  await inTurns(values.length, (from, to) => {
    for (let i = from; i < to; i++) {
      const value = values[i]!;
      if (Math.abs(value) > LARGEST_HALF) {
        throw new MaskRcnnError(
          'INVALID_OPTION',
          `${source}: ${name} has weights beyond ${LARGEST_HALF}, the limit of float16.`,
          {
            hint: 'Export without half.',
            file: source,
          },
        );
      }
      rounded[i] = toHalf(value);
    }
  });
  return bytesOf(rounded);
}
