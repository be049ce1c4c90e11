import {MaskRcnnError} from '../basics/errors.js';

type Size = {width: number; height: number};

/**
 * The factor by which the network resizes an image: its shorter side becomes `minSize`, or its longer side `maxSize` if
 * that is less (torchvision's GeneralizedRCNNTransform).
 */
export function networkScale({width, height}: Size, {minSize, maxSize}: {minSize: number; maxSize: number}): number {
  return Math.min(minSize / Math.min(width, height), maxSize / Math.max(width, height));
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
