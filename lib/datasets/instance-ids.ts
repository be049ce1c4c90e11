import {MaskRcnnError} from '../basics/errors.js';
import type {IdMask} from '../image/read-mask.js';
import {connectedComponents} from '../masks/components.js';
import {clearIds, onlyId} from './instances.js';

/**
 * The instance ids of a mask: its own, or one for each part of a binary mask. Changes `mask`. Throws INVALID_MASK if it
 * is binary and nothing says what its parts are.
 */
export async function instanceIds(
  mask: IdMask,
  {ignoreIds = [], binary}: {ignoreIds?: readonly number[]; binary?: 'components' | 'whole'},
  file: string,
): Promise<ArrayLike<number>> {
  const {ids} = mask;
  await clearIds(ids, ignoreIds);
  const value = await onlyId(mask);
  if (value === undefined || binary === 'whole') return ids;
  if (binary === 'components') return (await connectedComponents(ids, mask.width, mask.height)).ids;
  // An instance mask may have only one id, in several parts. But these properties show that the mask is binary.
  if (value !== 255 && value !== 65535 && mask.bits !== 1 && mask.source !== 'colours') return ids;
  const {count} = await connectedComponents(ids, mask.width, mask.height);
  if (count === 1) return ids;
  throw new MaskRcnnError(
    'INVALID_MASK',
    `${file} must have a value of its own for each instance, got 0 and ${value} only, in ${count} separate parts.`,
    {
      file,
      hint: "It is a binary mask. Pass binary: 'components' to make each part an instance, or 'whole' to make one of all.",
    },
  );
}
