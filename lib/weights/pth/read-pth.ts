import {MaskRcnnError} from '../../basics/errors.js';
import type {FileReader} from '../file-reader.js';
import {invalidCheckpoint} from '../invalid-checkpoint.js';
import type {StateDict} from '../state-dict.js';
import {MalformedPickle, PickleEnds, type TensorRef, UnsafePickle} from './pickle-values.js';
import {selectStateDict} from './select-state-dict.js';
import {type OpenStorage, readTensor, tensorBytes} from './tensor-source.js';
import {type Unpickled, unpickle} from './unpickle.js';

/** Record in a `.pth` archive for the metadata of this package. Python's torch.load ignores it. */
export const metadataRecord = 'extra/maskrcnn.json';

/** Maximum size of a pickle in bytes. Pickles of state dicts have a few hundred kilobytes. */
export const pickleLimit = 32 << 20;

/** Runs the unpickler and converts its errors to errors that name the file. With `mayEnd`, PickleEnds is passed on. */
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
    // A limit of the JavaScript engine: a string or collection is too long.
    if (error instanceof RangeError)
      throw invalidCheckpoint(file, 'has a pickle that is too large to read', undefined, error);
    throw error;
  }
}

/** Reads the tensors of an unpickled checkpoint one after the other, but only those of its state dict. */
export async function readPickledTensors(
  reader: FileReader,
  value: unknown,
  openStorage: (tensor: TensorRef, name: string) => Promise<OpenStorage>,
): Promise<{tensors: StateDict; notes: string[]}> {
  const {file} = reader;
  const {tensors: refs, notes} = selectStateDict(file, value);
  let total = 0;
  for (const tensor of refs.values()) total += tensorBytes(tensor);
  // Tensors may share storages, and repeat elements with strides of 0. The limit keeps a small file from filling the
  // memory that way.
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
