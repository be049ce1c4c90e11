import {extname} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {removeAbandoned} from '../files/atomic-file.js';
import type {WeightsMetadata} from './metadata.js';
import {writePth} from './pth/write-pth.js';
import type {StateDict} from './state-dict.js';
import {writeSafetensors} from './write-safetensors.js';

/**
 * Writes weights in the format of the extension of `path`: `.safetensors`, `.pth` or `.pt`. Throws INVALID_OPTION,
 * WRITE_FAILED.
 */
export async function writeWeights(path: string, tensors: StateDict, metadata: WeightsMetadata): Promise<void> {
  await removeAbandoned(path);
  switch (extname(path).toLowerCase()) {
    case '.safetensors':
      return writeSafetensors(path, tensors, metadata);
    case '.pth':
    case '.pt':
      return writePth(path, tensors, metadata);
    default:
      throw new MaskRcnnError('INVALID_OPTION', `A model is saved as .safetensors, .pth or .pt, got '${path}'.`, {
        file: path,
      });
  }
}
