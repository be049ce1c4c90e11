import type {SharpOptions} from 'sharp';
import {loadSharp} from './load-sharp.js';
import {TAG, type TiffPage} from './tiff.js';

/**
 * The options with which sharp refuses a TIFF that has damaged tiles. It gives other pixels for them without a word,
 * unless it is told to fail on warnings too. Then it also refuses oddities of the header that do no harm. So warnings
 * are let pass in a file whose header has some.
 */
export async function refusingTiles(page: TiffPage, bytes: Uint8Array, open: SharpOptions): Promise<SharpOptions> {
  if (!page.entries.has(TAG.tileOffsets)) return open;
  const sharp = await loadSharp();
  const strict: SharpOptions = {...open, failOn: 'warning'};
  return sharp(bytes, strict)
    .metadata()
    .then(
      () => strict,
      () => open,
    );
}
