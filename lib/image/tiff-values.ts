import {Undecodable} from './bytes.js';
import type {StoredValues} from './stored-values.js';
import {PHOTOMETRIC, SAMPLE_FORMAT, TAG, TiffFile} from './tiff.js';
import {layoutOf, ZSTANDARD} from './tiff-layout.js';
import {type FileOfPage, withMissingBlocks} from './tiff-sparse.js';
import {withoutZstandard} from './tiff-zstandard.js';

/** Compressions of TIFF (TIFF 6.0, section 22, and TIFF Technical Note 2). */
const JPEG = [6, 7];

/**
 * The TIFF with the values of its first page as greys: palette indices instead of colours, greys that are not inverted,
 * and signed numbers as unsigned ones of the same bits, because libvips clips negative numbers. Changes `bytes`. Throws
 * an Error with the reason for numbers of 64 bits, half floats, JPEG, and channels that are stored each on its own.
 */
export async function storedValuesOfTiff(bytes: Uint8Array): Promise<StoredValues> {
  const {file, page, isPlanar} = await readable(new TiffFile(bytes));
  if (isPlanar) {
    throw new Undecodable('its channels are stored each on its own ("planar")', {
      hint: 'Save the mask with one channel, or its channels pixel by pixel.',
    });
  }
  const bits = file.value(page, TAG.bits) ?? 1;
  const format = file.value(page, TAG.sampleFormat) ?? SAMPLE_FORMAT.unsigned;
  const photometric = file.value(page, TAG.photometric);
  if (JPEG.includes(file.value(page, TAG.compression) ?? 1)) {
    throw new Undecodable('its compression JPEG is lossy', {hint: 'Lossy compression changes the values. Use LZW.'});
  }
  if (bits > 32 || (bits < 32 && format === SAMPLE_FORMAT.float)) throw unreadableNumbers(bits, format);
  const palette = photometric === PHOTOMETRIC.palette;
  // With 1 bit, white is 0 in scans and faxes: there, what is shown is what is meant.
  const inverted = photometric === PHOTOMETRIC.whiteIsZero && bits > 1;
  if (palette || inverted) file.setValue(page, TAG.photometric, PHOTOMETRIC.blackIsZero);
  const signed = format === SAMPLE_FORMAT.signed && (file.value(page, TAG.samples) ?? 1) === 1;
  if (signed) file.setValue(page, TAG.sampleFormat, SAMPLE_FORMAT.unsigned);
  return {bytes: file.bytes, bits, palette, shift: Math.max(0, 8 - bits), signed};
}

/** The file and its first page, in a compression that libvips reads. */
async function readable(stored: TiffFile): Promise<FileOfPage & {isPlanar: boolean}> {
  const [first] = await stored.pages();
  const layout = layoutOf(stored, first!);
  const {file, page} = await withMissingBlocks(stored, first!);
  const {isPlanar} = layout;
  if (layout.compression !== ZSTANDARD) return {file, page, isPlanar};
  return {...(await withoutZstandard(file, page, layout)), isPlanar};
}

function unreadableNumbers(bits: number, format: number): Error {
  const kind = format === SAMPLE_FORMAT.float ? 'floats' : 'whole numbers';
  return new Undecodable(`its values are ${kind} of ${bits} bits`, {
    hint: 'Save the labels as whole numbers of 8, 16 or 32 bits, for example with numpy: labels.astype("uint16").',
  });
}
