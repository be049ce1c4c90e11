import {MaskRcnnError} from '../basics/errors.js';

type Size = {width: number; height: number};

/** What decides the size to which the network resizes an image in training. */
export type TrainingSize = {
  /** Limits of the shorter and the longer side, in pixels. */
  minSize: number;
  maxSize: number;
  /** The width and height of every image instead. */
  fixedSize: readonly [number, number] | null;
  /** Whether images keep their size. */
  skipResize: boolean;
};

/**
 * The factors by which the network resizes width and height of an image in training: its shorter side becomes
 * `minSize`, or its longer side `maxSize` if that is less, unless `fixedSize` or `skipResize` say otherwise
 * (torchvision's GeneralizedRCNNTransform).
 */
export function trainingScale(
  {width, height}: Size,
  {minSize, maxSize, fixedSize, skipResize}: TrainingSize,
): {x: number; y: number} {
  if (skipResize) return {x: 1, y: 1};
  if (fixedSize !== null) return {x: fixedSize[0] / width, y: fixedSize[1] / height};
  const factor = Math.min(minSize / Math.min(width, height), maxSize / Math.max(width, height));
  return {x: factor, y: factor};
}

/**
 * Throws INVALID_IMAGE if the shorter side of the image would have no pixel left for the network. `name` is the image
 * in the message; `file` is its file, if it has one.
 */
export function checkNetworkSize(
  {width, height}: Size,
  {maxSize, fixedSize}: {maxSize: number; fixedSize?: readonly number[] | null},
  {name, file}: {name: string; file?: string | undefined},
): void {
  const shorter = Math.min(width, height) * (maxSize / Math.max(width, height));
  if (fixedSize || shorter >= 1) return;
  throw new MaskRcnnError(
    'INVALID_IMAGE',
    `${name} of ${width} × ${height} pixels is too thin for the network: with its longer side resized to ${maxSize} ` +
      'pixels (maxSize), none is left of its shorter side.',
    {...(file !== undefined && {file}), hint: 'Cut the image into pieces, or make the model with a larger maxSize.'},
  );
}
