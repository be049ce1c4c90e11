import {extname} from 'node:path';
import {type IdMask, readMask} from '../image/read-mask.js';
import {readNpyMask} from './npy-mask.js';

/** The extension of arrays that NumPy saves. */
export const NPY = '.npy';

/** Reads the ids of objects from an image file or an array of NumPy. Throws INVALID_MASK. */
export async function readMaskFile(path: string): Promise<IdMask> {
  return extname(path).toLowerCase() === NPY ? readNpyMask(path) : readMask(path);
}
