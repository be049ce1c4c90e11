import {count} from '../basics/wording.js';
import {describePixels, type PixelOptions, type PixelRange} from './pixel-options.js';
import {fullRange, isFloat, type SampleType} from './samples.js';
import {gridInWords, type Stack} from './stack.js';
import {TAG, type TiffFile, type TiffPage} from './tiff.js';

/** Something that the reader of a file left out. It is no error, but the results may not be what the user expects. */
export type FileNotice = {
  /**
   * 'depth': the lower bits of more than 8. 'contrast': nearly all differences, because `range` does not fit. 'nan':
   * values that are not numbers. 'pages': all pages or frames after the first. 'channels': channels, or colours that
   * are converted. 'orientation': the turn of the EXIF orientation.
   */
  kind: 'depth' | 'contrast' | 'nan' | 'pages' | 'channels' | 'orientation';
  /** Name of the file. */
  file: string;
  /** What the file has, to follow its name: 'has 3 pages'. */
  what: string;
  /**
   * Whether the pixels that were read are too dark, or in too few levels, to see anything. Only for 'depth' and
   * 'contrast'.
   */
  dark?: boolean;
  /** Smallest and largest value that is stored. Only for 'depth' and 'contrast'. */
  values?: readonly [least: number, most: number];
  /** Options of `readImage()` that read what was left out. */
  advice?: PixelOptions;
};

/** Largest value of 255 that is told as nearly black: a tenth. */
const NEARLY_BLACK = 25;

/** Fewer levels than these, a sixteenth, are told. */
const FEW_LEVELS = 16;

/** Which stored values an image has, and the levels of 255 that they became. */
export type StoredDepth = {
  type: SampleType;
  values: readonly [least: number, most: number];
  levels: readonly [from: number, to: number];
  range: PixelRange;
};

/**
 * The notice for an image of more than 8 bits per sample of which the upper 8 are read, or in which hardly anything can
 * be seen. None for others.
 */
export function depthNotices(file: string, {type, values, levels: [from, to], range}: StoredDepth): FileNotice[] {
  const faintness = faintnessOf(from, to);
  const dark = faintness !== '';
  if (!dark && (type === 'uint8' || range !== 'full')) return [];
  const read = `read as ${from} to ${to} of 255${faintness}`;
  const between = `values ${values[0]} to ${values[1]}`;
  if (type === 'uint8' || range !== 'full') {
    const what = `has ${between}: with ${describePixels({range})} ${read}`;
    return [{kind: 'contrast', file, what, dark, values}];
  }
  const what = `has ${nameOf(type)}, ${between} of ${wholeRange(type)}: ${read}`;
  return [{kind: 'depth', file, what, dark, values}];
}

function faintnessOf(from: number, to: number): string {
  if (to === 0) return ', black';
  if (from === 255) return ', white';
  if (to <= NEARLY_BLACK) return ', nearly black';
  const levels = to - from + 1;
  return levels < FEW_LEVELS ? `, in ${levels} of 256 levels` : '';
}

function nameOf(type: SampleType): string {
  if (isFloat(type)) return 'floating-point samples';
  const bits = /\d+$/.exec(type)![0];
  return `${type.startsWith('int') ? 'signed numbers of ' : ''}${bits} bits per sample`;
}

function wholeRange(type: SampleType): string {
  const [low, high] = fullRange(type);
  return low === 0 && !isFloat(type) ? `${high}` : `${low} to ${high}`;
}

/**
 * The range to propose for images with these notices: from 0 to the largest number of as many bits as the values need,
 * or exactly their range if there are negative numbers or fractions. Undefined if that is no narrower than 16 or 32
 * bits, or if nothing is too dark.
 */
export function proposeRange(notices: readonly FileNotice[]): [low: number, high: number] | undefined {
  const depth = notices.flatMap(({dark, values}) => (values === undefined ? [] : [{dark, values}]));
  if (!depth.some(({dark}) => dark)) return undefined;
  const least = depth.reduce((min, {values}) => Math.min(min, values[0]), Infinity);
  const most = depth.reduce((max, {values}) => Math.max(max, values[1]), -Infinity);
  const areWhole = depth.every(({values}) => values.every(Number.isInteger));
  if (!areWhole || least < 0) return least < most ? [least, most] : undefined;
  const bits = Math.max(1, Math.ceil(Math.log2(most + 1)));
  return bits === 16 || bits >= 32 ? undefined : [0, 2 ** bits - 1];
}

/** The notice for pixels that are NaN. */
export function nanNotices(file: string, nans: number): FileNotice[] {
  return nans === 0 ? [] : [{kind: 'nan', file, what: `has ${count(nans, 'value')} that are NaN`}];
}

/** The notice for a photo whose annotations are of the stored pixels, not of those turned upright. */
export function orientationNotice(file: string, {width, height}: {width: number; height: number}): FileNotice {
  return {kind: 'orientation', file, what: `is annotated as stored, ${width} × ${height}, not upright`};
}

/** What an image file has besides the channels that are read. */
export type StoredChannels = {
  channels: number;
  /** Whether the last channel is alpha, and not opaque everywhere. */
  isTransparent: boolean;
  /** Whether the last channel is alpha. */
  hasAlpha: boolean;
  isCmyk: boolean;
};

/** The notice for channels that the default of `channels` leaves out, and for colours that are converted. */
export function channelNotices(
  file: string,
  {channels, isTransparent, hasAlpha, isCmyk}: StoredChannels,
): FileNotice[] {
  if (isCmyk) return [{kind: 'channels', file, what: 'has the colours of CMYK, converted to RGB'}];
  const colours = hasAlpha ? channels - 1 : channels;
  const notice = (what: string, advice?: PixelOptions): FileNotice[] => [
    {kind: 'channels', file, what, ...(advice && {advice})},
  ];
  if (colours === 2) return notice(`has ${channels} channels, of which the first is read`, {channels: [0, 1]});
  if (colours > 3) {
    return notice(`has ${channels} channels, of which the first three are read`, {channels: [1, 2, colours - 1]});
  }
  return isTransparent ? notice('has an alpha channel that is not opaque everywhere, read without it') : [];
}

/**
 * The notice for a file of several frames, such as a GIF. None if there is only one. `advice` reads another.
 */
export function frameNotices(file: string, frames = 1, advice?: PixelOptions): FileNotice[] {
  return frames > 1 ? [{kind: 'pages', file, what: `has ${frames} frames`, ...(advice && {advice})}] : [];
}

/** The most sizes of pages that a notice lists. */
const MOST_SIZES = 4;

/** The structure of a TIFF, as far as notices tell it. */
type TiffPages = {file: TiffFile; pages: readonly TiffPage[]; stack: Stack};

/** The notice for a TIFF of several pages, or planes. None if there is only one. `advice` reads another. */
export function pageNotices(name: string, {file, pages, stack}: TiffPages, advice?: PixelOptions): FileNotice[] {
  const {planes, hasChannelPages} = stack;
  if (planes < 2) return [];
  const sizes = new Set(pages.map((page) => `${file.value(page, TAG.width)} × ${file.value(page, TAG.height)}`));
  const [first, ...others] = sizes;
  const listed = [...others.slice(0, MOST_SIZES), ...(others.length > MOST_SIZES ? ['…'] : [])].join(', ');
  const ofSizes = others.length === 0 ? '' : ` of different sizes, as of a pyramid: ${first}, then ${listed}`;
  const what = `has ${planes} ${hasChannelPages ? 'planes' : 'pages'}${gridInWords(stack)}${ofSizes}`;
  return [{kind: 'pages', file: name, what, ...(advice && {advice})}];
}

const MOST_EXAMPLES = 3;

/**
 * One sentence for each kind of notice, with the number of files and up to three of them as examples, and the options
 * that help.
 */
export function describeNotices(notices: readonly FileNotice[]): string[] {
  const stretch = stretchAdvice(notices);
  const say = (kind: FileNotice['kind'], one: string, many: string, end?: string) => {
    const some = notices.filter((notice) => notice.kind === kind).sort((a, b) => Number(b.dark) - Number(a.dark));
    if (some.length === 0) return [];
    const examples = some.slice(0, MOST_EXAMPLES).map(({file, what}) => `${file} ${what}`);
    const more = some.length > MOST_EXAMPLES ? `; and ${some.length - MOST_EXAMPLES} more` : '';
    const counted = some.length === 1 ? `1 ${one}` : `${some.length} ${many}`;
    return [`${counted}: ${examples.join('; ')}${more}.${end ?? otherAdvice(some)}`];
  };
  return [
    ...say('depth', 'image is read by its upper 8 bits only', 'images are read by their upper 8 bits only', stretch),
    ...say('contrast', 'image has hardly any contrast', 'images have hardly any contrast', stretch),
    ...say(
      'nan',
      'image has pixels without a value, read as black',
      'images have pixels without a value, read as black',
    ),
    ...say('pages', 'file is read by its first page only', 'files are read by their first pages only'),
    ...say('channels', 'image is not read with all its channels', 'images are not read with all their channels'),
    ...say(
      'orientation',
      'photo is read without its EXIF orientation',
      'photos are read without their EXIF orientation',
    ),
  ];
}

/** What helps against images that are too dark. Empty if none is. */
function stretchAdvice(notices: readonly FileNotice[]): string {
  if (!notices.some(({dark}) => dark)) return '';
  const range = proposeRange(notices);
  const proposed = range === undefined ? '' : `${describePixels({range})}, or `;
  return ` Pass ${proposed}range: 'percentile'.`;
}

/** The options that read what was left out of these files, from the first that has any. */
function otherAdvice(notices: readonly FileNotice[]): string {
  const advice = notices.find((notice) => notice.advice !== undefined)?.advice;
  return advice === undefined ? '' : ` To read others, pass options such as ${describePixels(advice)}.`;
}

/**
 * Returns a function that takes the notices of one file after another and tells each kind of them once, with the file
 * as an example. It is for long runs, which read their files again and again: what is too dark to see should be told
 * before the end. Too dark images are a kind of their own.
 */
export function tellOnce(tell: (sentence: string) => void): (notices: readonly FileNotice[]) => void {
  const told = new Set<string>();
  return (notices) => {
    for (const notice of notices) {
      const kind = notice.dark ? 'dark' : notice.kind;
      if (told.has(kind)) continue;
      told.add(kind).add(notice.kind);
      const [sentence] = describeNotices([notice]);
      tell(`${sentence} Others like it are not told.`);
    }
  };
}

/** The notices of the files of a sample: its image and its masks. */
export function noticesOf({
  image,
  notices = [],
}: {
  image: {notices?: readonly FileNotice[]};
  notices?: readonly FileNotice[];
}): FileNotice[] {
  return [...(image.notices ?? []), ...notices];
}
