import type {Space} from './decode-planes.js';
import {PHOTOMETRIC, SAMPLE_FORMAT, TAG, type TiffFile, type TiffPage} from './tiff.js';
import {CHUNKY, type TiffLayout} from './tiff-layout.js';

/** The tags of where the strips or tiles of a page are, and of how many bytes each has. */
export function blockTags(page: TiffPage): [offsets: number, sizes: number] {
  return page.entries.has(TAG.tileOffsets) ? [TAG.tileOffsets, TAG.tileBytes] : [TAG.stripOffsets, TAG.stripBytes];
}

/** What a decoder has to know of a page whose stored numbers it gives. */
export type StoredPage = {
  space: Space;
  /**
   * Makes a channel the only one of the page, until the next call. Only for channels that are stored each on its own:
   * libvips would mix their rows up.
   */
  choose?: (channel: number) => void;
  /** Whether the first half of a number of 64 bits is the lower one. */
  isLittleEndian: boolean;
};

/**
 * Changes the first page of a file, so that libvips gives the stored numbers of its channels: as grey levels that are
 * not inverted, or as RGB with more channels, and signed numbers as unsigned ones of the same bits, because libvips
 * clips negative ones.
 */
export function showStored(file: TiffFile, page: TiffPage, {type, channels, isPlanar}: TiffLayout): StoredPage {
  // libvips has no numbers of 64 bits: their halves are shown as two channels.
  const halves = type === 'float64' ? 2 : 1;
  const shown = (isPlanar ? 1 : channels) * halves;
  const isGrey = shown < 3;
  file.setValue(page, TAG.photometric, isGrey ? PHOTOMETRIC.blackIsZero : PHOTOMETRIC.rgb);
  if (type?.startsWith('int')) file.setValue(page, TAG.sampleFormat, SAMPLE_FORMAT.unsigned);
  if (halves === 2) {
    file.setValues(page, TAG.bits, [32]);
    file.setValues(page, TAG.sampleFormat, [SAMPLE_FORMAT.unsigned]);
    file.setValues(page, TAG.samples, [shown]);
    file.hide(page, TAG.extraSamples);
  }
  const is16 = type === 'uint16' || type === 'int16';
  const space = isGrey ? (is16 ? 'grey16' : 'b-w') : is16 ? 'rgb16' : type === 'float32' ? 'scrgb' : 'srgb';
  const {isLittleEndian} = file;
  if (!isPlanar) return {space, isLittleEndian};
  const blocks = blockTags(page).map((tag) => ({tag, values: file.values(page, tag)}));
  file.setValues(page, TAG.samples, [shown]);
  file.setValue(page, TAG.planar, CHUNKY);
  file.hide(page, TAG.extraSamples);
  const choose = (channel: number) => {
    for (const {tag, values} of blocks) {
      const each = values.length / channels;
      file.setValues(page, tag, values.slice(channel * each, (channel + 1) * each));
    }
  };
  return {space, choose, isLittleEndian};
}
