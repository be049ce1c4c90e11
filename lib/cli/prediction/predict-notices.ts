import {count} from '../../basics/wording.js';
import type {OnTop} from '../../masks/paint-labels.js';
import type {ImageList} from '../image-files.js';
import type {PredictionWriter} from './prediction-writer.js';

/** Of `images` whose label masks lack objects. */
export function incompleteNotice(images: number, onTop: OnTop): string {
  const reason =
    onTop === 'better'
      ? 'better ones cover more than half of them, or their masks are empty. --on-top smaller shows all that is visible.'
      : 'smaller ones cover them, or their masks are empty.';
  return `The label masks of ${count(images, 'image')} lack objects: ${reason}`;
}

/** What became of overlays in other formats, in sentences. */
export function overlayNotices({removed, kept}: PredictionWriter): string[] {
  return [
    ...(removed.length > 0
      ? [
          `Removed ${count(removed.length, 'overlay')} of an earlier prediction in another format, such as ${removed[0]}.`,
        ]
      : []),
    ...(kept.length > 0
      ? [
          `Kept ${count(kept.length, 'overlay')} in another format, perhaps of an earlier prediction, such as ${kept[0]}.`,
        ]
      : []),
  ];
}

/** What was not read, in sentences. */
export function listNotices({leftOut, deeper}: ImageList): string[] {
  const notices = deeper.map(
    (file) => `Subfolders are not searched, and hold images such as ${file}: see --recursive.`,
  );
  if (leftOut.length === 0) return notices;
  const files = count(leftOut.length, 'file');
  return [`Left out ${files} by name, as masks or pictures that maskrcnn writes, such as ${leftOut[0]}.`, ...notices];
}
