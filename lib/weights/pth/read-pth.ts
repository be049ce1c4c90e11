import {MaskRcnnError} from '../../basics/errors.js';
import type {FileReader} from '../file-reader.js';
import {invalidCheckpoint} from '../invalid-checkpoint.js';
import type {StateDict} from '../state-dict.js';
import {MalformedPickle, PickleEnds, type TensorRef, UnsafePickle} from './pickle-values.js';
import {selectStateDict} from './select-state-dict.js';
import {type OpenStorage, readTensor, tensorBytes} from './tensor-source.js';
import {type Unpickled, unpickle} from './unpickle.js';

/** Record beside the tensors for what this package notes about them; Python's torch.load passes over it. */
export const metadataRecord = 'extra/maskrcnn.json';

/** Longest pickle read: those of state dicts have a few hundred kilobytes. */
export const pickleLimit = 32 << 20;

/** Runs the unpickler and turns what it throws into errors that name the file. PickleEnds passes if `mayEnd`. */
export function unpickleIn(file: string, bytes: Buffer, start = 0, {mayEnd = false} = {}): Unpickled {
  try {
    return unpickle(bytes, start);
  } catch (error) {
    if (error instanceof PickleEnds && mayEnd) throw error;
    if (error instanceof UnsafePickle) {
      throw new MaskRcnnError(
        'UNSAFE_CHECKPOINT',
        `${file} names ${error.message}, expected only tensors and plain data; nothing was executed.`,
        {
          hint: 'If you trust the file, load it in Python and save its state dict alone: torch.save(model.state_dict(), path).',
          file,
          cause: error,
        },
      );
    }
    if (error instanceof MalformedPickle)
      throw invalidCheckpoint(file, `has a corrupt pickle: ${error.message}`, undefined, error);
    // The engine's own limits: a string or collection that is too long.
    if (error instanceof RangeError)
      throw invalidCheckpoint(file, 'has a pickle that is too large to read', undefined, error);
    throw error;
  }
}

/** Reads the tensors of an unpickled checkpoint one after the other; only those of the state dict within. */
export async function readPickledTensors(
  reader: FileReader,
  value: unknown,
  openStorage: (tensor: TensorRef, name: string) => Promise<OpenStorage>,
): Promise<{tensors: StateDict; notes: string[]}> {
  const {file} = reader;
  const {tensors: refs, notes} = selectStateDict(file, value);
  let total = 0;
  for (const tensor of refs.values()) total += tensorBytes(tensor);
  // Tensors may share storages, and repeat elements by strides of 0, but not so that a small file fills the memory.
  const limit = 16 * reader.size + (16 << 20);
  if (total > limit) {
    throw invalidCheckpoint(file, `is corrupt: its tensors claim ${total} bytes, the file has ${reader.size}`);
  }
  const tensors: StateDict = new Map();
  for (const [name, tensor] of refs) {
    const storage = await openStorage(tensor, name);
    tensors.set(name, await readTensor(reader, name, tensor, storage));
  }
  return {tensors, notes};
}
