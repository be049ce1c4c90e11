import type {DType, ParameterInfo, StateTensor} from '../../binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import {count} from '../basics/wording.js';

/** Tensors by name, in the order of the file or model. Each key is the `name` of its tensor. */
export type StateDict = Map<string, StateTensor>;

/** Bytes of one element. */
export const itemSizes: Readonly<Record<DType, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

export function isDType(name: string): name is DType {
  return Object.hasOwn(itemSizes, name);
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

export function toStateDict(tensors: Iterable<StateTensor>): StateDict {
  return new Map(Array.from(tensors, (tensor) => [tensor.name, tensor]));
}

export function withName(tensor: StateTensor, name: string): StateTensor {
  return tensor.name === name ? tensor : {...tensor, name};
}

export type StateDictComparison = {
  /** Names that the model has and the dict does not. */
  missing: string[];
  /** Names that the dict has and the model does not. */
  unexpected: string[];
  /** Names that both have, with different shapes. */
  mismatched: {name: string; expected: number[]; found: number[]}[];
};

/** Compares names and shapes. dtypes may differ, because the model converts them. */
export function compareStateDict(
  dict: StateDict,
  parameters: readonly Pick<ParameterInfo, 'name' | 'shape'>[],
): StateDictComparison {
  const known = new Set(parameters.map(({name}) => name));
  const mismatched: StateDictComparison['mismatched'] = [];
  const missing: string[] = [];
  for (const {name, shape} of parameters) {
    const found = dict.get(name)?.shape;
    if (found === undefined) missing.push(name);
    else if (found.length !== shape.length || found.some((side, axis) => side !== shape[axis])) {
      mismatched.push({name, expected: shape, found});
    }
  }
  return {missing, unexpected: [...dict.keys()].filter((name) => !known.has(name)), mismatched};
}

/** Throws STATE_DICT_MISMATCH with the three lists, unless `dict` has exactly the names and shapes of the model. */
export function requireMatchingStateDict(
  dict: StateDict,
  parameters: readonly Pick<ParameterInfo, 'name' | 'shape'>[],
  {source, hint}: {source: string; hint?: string},
): void {
  const {missing, unexpected, mismatched} = compareStateDict(dict, parameters);
  if (missing.length + unexpected.length + mismatched.length === 0) return;
  const shapes = mismatched.map(({name, expected, found}) => `${name} is [${found}] where the model has [${expected}]`);
  const lists = [list('missing', missing), list('unexpected', unexpected), list('of another shape', shapes)];
  throw new MaskRcnnError(
    'STATE_DICT_MISMATCH',
    `${source} does not have the model's ${count(parameters.length, 'tensor')}: ${lists.filter(Boolean).join('; ')}.`,
    {
      hint:
        hint ??
        'Build the model with the `backbone`, `version`, `backboneNorm` and `classes` that the weights were made with.',
      file: source,
    },
  );
}

const listed = 8;

function list(what: string, items: readonly string[]): string {
  if (items.length === 0) return '';
  const more = items.length > listed ? `, and ${items.length - listed} more` : '';
  const shown = items.slice(0, listed).map((item) => (item.length > 200 ? `${item.slice(0, 199)}…` : item));
  return `${items.length} ${what} (${shown.join(', ')}${more})`;
}

/**
 * Throws INVALID_OPTION if the length of a tensor's data does not match its shape and dtype. For dicts that will be
 * written.
 */
export function requireWholeTensors(dict: StateDict): void {
  for (const [name, {dtype, shape, data}] of dict) {
    const bytes = isDType(dtype) ? elementCount(shape) * itemSizes[dtype] : Number.NaN;
    if (data.length !== bytes) {
      throw new MaskRcnnError(
        'INVALID_OPTION',
        `tensor ${name} of shape [${shape}] in ${dtype} should have ${bytes} bytes, but has ${data.length}.`,
      );
    }
  }
}
