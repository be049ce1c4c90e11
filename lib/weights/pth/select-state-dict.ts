import {invalidCheckpoint} from '../invalid-checkpoint.js';
import {PickledDict, TensorRef, UnsupportedTensor} from './pickle-values.js';

/**
 * Keys under which training scripts store the weights: torchvision's references, Lightning and many others, tutorials.
 */
const wrappers = ['model', 'state_dict', 'model_state_dict'];
/** Prefixes that DataParallel and torch.compile add to every name. */
const prefixes = ['module.', '_orig_mod.'];
const listed = 8;

/**
 * Finds the state dict in an unpickled checkpoint. `notes` say what was unwrapped or left out. Throws
 * INVALID_CHECKPOINT if there is none.
 */
export function selectStateDict(file: string, value: unknown): {tensors: Map<string, TensorRef>; notes: string[]} {
  const notes: string[] = [];
  let dict = value;
  // There are at most two levels in practice. A dict that contains itself would have no end.
  for (let level = 0; level < 2; level++) {
    const wrapper = findWrapper(dict);
    if (wrapper === undefined) break;
    const others = [...(dict as PickledDict).keys()].filter((key) => key !== wrapper).map(describeKey);
    notes.push(`took the state dict from '${wrapper}'${others.length > 0 ? ` and left ${shorten(others)}` : ''}`);
    dict = (dict as PickledDict).get(wrapper);
  }
  if (!holdsTensors(dict)) {
    const keys = dict instanceof PickledDict ? [...dict.keys()].map(describeKey) : [];
    throw invalidCheckpoint(
      file,
      `holds no state dict: expected tensors by name, or a dict with one as ${wrappers.map((key) => `'${key}'`).join(', ')}` +
        (keys.length > 0 ? `, found ${shorten(keys)}` : ''),
      'Save it in Python with torch.save(model.state_dict(), path).',
    );
  }

  const tensors = new Map<string, TensorRef>();
  const left: string[] = [];
  for (const [name, tensor] of dict) {
    if (tensor instanceof UnsupportedTensor) {
      throw invalidCheckpoint(file, `has ${tensor.kind} tensor ${describeKey(name)}, expected only dense ones`);
    }
    if (typeof name === 'string' && tensor instanceof TensorRef) tensors.set(name, tensor);
    else left.push(describeKey(name));
  }
  if (left.length > 0) notes.push(`skipped entries that are not tensors: ${shorten(left)}`);
  return {tensors: withoutPrefixes(tensors, notes), notes};
}

function findWrapper(dict: unknown): string | undefined {
  if (!(dict instanceof PickledDict)) return undefined;
  return wrappers.find((key) => {
    const inner = dict.get(key);
    return holdsTensors(inner) || (inner instanceof PickledDict && holdsTensors(inner.get('state_dict')));
  });
}

function holdsTensors(value: unknown): value is PickledDict {
  if (!(value instanceof PickledDict)) return false;
  for (const item of value.values()) if (item instanceof TensorRef || item instanceof UnsupportedTensor) return true;
  return false;
}

function withoutPrefixes(tensors: Map<string, TensorRef>, notes: string[]): Map<string, TensorRef> {
  const names = [...tensors.keys()];
  let length = 0;
  // Only the length grows, so that names with thousands of prefixes are not copied thousands of times.
  for (;;) {
    const prefix = prefixes.find((candidate) => names.every((name) => name.startsWith(candidate, length)));
    if (prefix === undefined || names.length === 0) break;
    length += prefix.length;
  }
  if (length === 0) return tensors;
  notes.push(`took the prefix ${describeKey(names[0]!.slice(0, length))} off every name`);
  return new Map(Array.from(tensors, ([name, tensor]) => [name.slice(length), tensor]));
}

function describeKey(key: unknown): string {
  return typeof key === 'string' || typeof key === 'number' ? `'${cut(String(key))}'` : `a key of type ${typeof key}`;
}

function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function shorten(keys: readonly string[]): string {
  const more = keys.length > listed ? ` and ${keys.length - listed} more` : '';
  return keys.slice(0, listed).join(', ') + more;
}
