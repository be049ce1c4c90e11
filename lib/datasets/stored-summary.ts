import {inTurns, type Turn} from '../basics/turns.js';
import {count} from '../basics/wording.js';
import {type FileNotice, proposeRange} from '../image/notices.js';
import {describePixels, type PixelOptions} from '../image/pixel-options.js';
import type {RgbImage, StoredPixels} from '../image/rgb-image.js';
import type {SampleType} from '../image/samples.js';
import type {StackSize} from '../image/stack.js';
import {type Spread, spread} from './inspection/spread.js';

/** What the images of a data set store that have the same type of numbers. */
export type StoredType = {
  type: SampleType;
  images: number;
  /** Smallest and largest finite number of the channels that were read. Null if there is none. */
  values: [least: number, most: number] | null;
  /** Numbers of channels, alpha included. */
  channels: Spread;
  /** Numbers of pages, or frames. Of stacks whose channels are pages: of planes. */
  pages: Spread;
  /** The sizes of stacks that occur, as far as files say them. */
  stacks: StackSize[];
};

/** What the image files of a data set store, of which 8-bit RGB was made. */
export type StoredSummary = {
  /** How the data set reads image files. Empty: without options, or it does not say. */
  options: PixelOptions;
  /** By type of numbers. Empty if the images are not read from files by this package. */
  types: StoredType[];
  /** Options that show more of the images. They are never applied by themselves. Empty if none is needed. */
  proposal: PixelOptions;
};

/** What an image stores. Undefined if it does not say. Of files of 8 bits, `values` are those of the pixels. */
export async function storedOf({data, stored}: RgbImage, turn: Turn): Promise<StoredPixels | undefined> {
  if (stored === undefined || stored.values !== undefined || stored.type !== 'uint8') return stored;
  let [least, most] = [255, 0];
  const look = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      if (data[i]! < least) least = data[i]!;
      if (data[i]! > most) most = data[i]!;
    }
  };
  await inTurns(data.length, look, turn);
  return {...stored, values: [least, most]};
}

/** Of a sixteenth of 8 bits, hardly anything is to be seen. */
const FEW_LEVELS = 16;

export function summarizeStored(
  options: PixelOptions,
  images: readonly StoredPixels[],
  notices: readonly FileNotice[],
): StoredSummary & {warnings: string[]} {
  const types = [...new Set(images.map(({type}) => type))].map((type) =>
    typeOf(
      type,
      images.filter((image) => image.type === type),
    ),
  );
  const isDark = notices.some(({dark}) => dark);
  const range = isDark ? (proposeRange(notices) ?? 'percentile') : rangeOf8Bits(options, types);
  const advice = Object.assign({}, ...notices.flatMap(({kind, advice}) => (kind === 'channels' && advice) || []));
  const warnings =
    range === undefined || isDark
      ? []
      : [`No image has a value above ${types[0]!.values![1]} of 255. Pass ${describePixels({range})}.`];
  return {options, types, proposal: {...(range !== undefined && {range}), ...advice}, warnings};
}

function typeOf(type: SampleType, images: readonly StoredPixels[]): StoredType {
  const ends = images.flatMap(({values = []}) => values);
  const ofSpread = (values: readonly number[]) => spread([Float64Array.from(values)])!;
  return {
    type,
    images: images.length,
    values: ends.length === 0 ? null : [least(ends), most(ends)],
    channels: ofSpread(images.map(({channels}) => channels)),
    pages: ofSpread(images.map(({pages}) => pages)),
    stacks: [...new Map(images.flatMap(({stack}) => (stack ? [[JSON.stringify(stack), stack]] : []))).values()],
  };
}

/** The range for images of 8 bits that use only the lowest sixteenth of it, as 4-bit cameras do. */
function rangeOf8Bits({range}: PixelOptions, types: readonly StoredType[]): PixelOptions['range'] {
  const [only, ...others] = types;
  if (range !== undefined || only?.type !== 'uint8' || others.length > 0 || only.values === null) return undefined;
  return only.values[1] > 0 && only.values[1] < FEW_LEVELS ? [0, FEW_LEVELS - 1] : undefined;
}

// A data set may have more values than a call may have arguments.
const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b));
const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b));

/** A line for each type of numbers, and one for the options. */
export function describeStoredSummary({options, types}: StoredSummary): string[] {
  const between = ({min, max}: Spread, noun: string) => (min === max ? count(min, noun) : `${min} to ${max} ${noun}s`);
  const lines = types.map(({type, images, values, channels, pages, stacks}) => {
    const found = values === null ? 'without values' : `values ${values[0]} to ${values[1]}`;
    return `${count(images, 'image')} of ${type}: ${found}, ${between(channels, 'channel')}, ${between(pages, 'page')}${stacksInWords(stacks)}.`;
  });
  const reading = describePixels(options);
  return reading === '' ? lines : [...lines, `They are read with ${reading}.`];
}

/** The most sizes of stacks that a line lists. */
const MOST_STACKS = 3;

/** The sizes of stacks, in brackets. Empty if no file has several slices or frames. */
function stacksInWords(stacks: readonly StackSize[]): string {
  if (!stacks.some(({slices, frames}) => slices * frames > 1)) return '';
  const sizes = stacks.slice(0, MOST_STACKS).map((stack) => {
    const {channels, slices, frames} = stack;
    return `${count(channels, 'channel')} × ${count(slices, 'slice')} × ${count(frames, 'frame')}`;
  });
  return ` (${sizes.join(', ')}${stacks.length > MOST_STACKS ? ', …' : ''})`;
}
