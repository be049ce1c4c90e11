import {stat} from 'node:fs/promises';
import {dirname} from 'node:path';
import {MaskRcnnError} from '../../basics/errors.js';
import {faultOfPng} from '../../image/label-png.js';
import type {Detections} from '../../model/detections.js';

export async function requireNoInput(
  folder: string,
  outputs: readonly string[],
  inputs: readonly string[],
): Promise<void> {
  const read = new Set(await Promise.all(inputs.map(identity)));
  for (const output of outputs) {
    const existing = await identity(output);
    if (existing === undefined || !read.has(existing)) continue;
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option 'output' of maskrcnn predict must be a folder where no image that is read is replaced, got '${folder}': ${output} would be.`,
      {hint: 'Name another folder.', file: output},
    );
  }
}

/** Throws INVALID_MASK if NAME_labels.png cannot hold what was found on the image `file`. */
export function requirePngHolds({scores}: Detections, file: string): void {
  const fault = faultOfPng(scores.length, file);
  if (fault === undefined) return;
  const hint = 'Save labels-tiff, which has 32 bits where they are needed.';
  throw new MaskRcnnError('INVALID_MASK', fault, {file, hint});
}

/** Beside the images there may be annotations by hand, which can have the names of our files. */
export async function requireNothingBeside(
  outputs: readonly string[],
  ofImages: ReadonlySet<string | undefined>,
): Promise<void> {
  for (const output of outputs) {
    if ((await identity(output)) === undefined || !ofImages.has(await identity(dirname(output)))) continue;
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `maskrcnn predict must not replace files beside the images, and ${output} is there.`,
      {hint: 'Name another folder with --output, or pass --overwrite if the files may be replaced.', file: output},
    );
  }
}

/**
 * An identity that is the same for all names of a file, such as links or different case; undefined if there is no file.
 */
export async function identity(path: string): Promise<string | undefined> {
  const there = await stat(path, {bigint: true}).catch(() => undefined);
  return there && `${there.dev} ${there.ino}`;
}
