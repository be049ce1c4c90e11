/**
 * Which pages of a TIFF are channels of the same plane. Microscopes write the channels, slices (z) and frames (t) of a
 * stack as pages. Which is which is in the OME-XML, or in the description that ImageJ writes.
 */
import {count} from '../basics/wording.js';
import {Undecodable} from './bytes.js';
import {type Dimensions, type OmeImage, omeImages} from './ome.js';

/** How many channels, slices and frames a stack has. */
export type StackSize = {channels: number; slices: number; frames: number};

/** The pages of a TIFF by their meaning. */
export type Stack = {
  /** Number of planes: slices and frames, and pages that are neither. */
  planes: number;
  /** The pages that are the channels of a plane, in their order. Planes count slices first, then frames. */
  pagesOf: (plane: number) => readonly number[];
  /** Whether some plane has its channels on several pages. */
  hasChannelPages: boolean;
  /** Of the first image. Undefined if the file does not say what its pages are. */
  size: StackSize | undefined;
  /** Names of the channels of the first image, if each has one. */
  names: readonly string[];
  /** Another file that has planes of this stack, if there is one. Then pages are only pages. */
  elsewhere?: string;
};

/** What a stack is found by. `samples`: those of a pixel of a page. */
export type StackSource = {
  description: string;
  pages: number;
  samples: (page: number) => number | Promise<number>;
};

/** The stack that a TIFF says it is, or its pages one by one. */
export async function stackOf({description, pages, samples}: StackSource): Promise<Stack> {
  if (description.startsWith('ImageJ=')) return stackOfImageJ(description, pages) ?? pagesAlone(pages);
  const {images, isBroken} = await omeImages(description);
  if (images.length === 0 || isBroken) return pagesAlone(pages);
  const elsewhere = images.flatMap((image) => image.pages).find((each) => each.elsewhere !== undefined)?.elsewhere;
  if (elsewhere !== undefined) return {...pagesAlone(pages), elsewhere};
  const planes: number[][] = [];
  let size: StackSize | undefined;
  let next = 0;
  for (const image of images) {
    const first = image.pages[0]?.page ?? next;
    const perPixel = first < pages ? await samples(first) : 1;
    const found = planesOf(image, {next, pages, perPixel});
    if (found === undefined) return pagesAlone(pages);
    size ??= {channels: image.size.c, slices: image.size.z, frames: image.size.t};
    for (const plane of found) planes.push(plane);
    next += found.length * found[0]!.length;
  }
  // Pages that no metadata name, such as smaller copies, are planes of their own.
  const named = new Set(planes.flat());
  for (let page = 0; page < pages; page++) if (!named.has(page)) planes.push([page]);
  const {names, size: first} = images[0]!;
  return {
    planes: planes.length,
    pagesOf: (plane) => planes[plane]!,
    hasChannelPages: planes.some((plane) => plane.length > 1),
    size,
    names: names.length === first.c ? names : [],
  };
}

/** The reason for pages whose numbers are those of a palette, or colours in another form. */
export const PAGES_OF_COLOURS = 'its channels are pages of colours, which are not read one by one';

/** The pages of plane `index`. Throws an Error with the reason, and what there is, if there is no such plane. */
export function choosePlane(stack: Stack, index: number): readonly number[] {
  const {planes, hasChannelPages, size, names} = stack;
  if (index < planes) return stack.pagesOf(index);
  const grid = gridInWords(stack);
  if (!hasChannelPages) checkPage(index, planes, {more: grid});
  const channels = size === undefined ? '' : `, with ${count(size.channels, 'channel')}${inBrackets(names)}`;
  const hint = 'Its channels are pages: choose them with `channels`. `page` counts slices first, then frames.';
  checkPage(index, planes, {noun: 'plane', more: `${grid}${channels}`, hint});
  return [];
}

/**
 * Throws an Error with the reason if a file of so many pages has no page `index`. `noun`: what it has instead of pages;
 * `more`: what else it has.
 */
export function checkPage(
  index: number,
  pages: number,
  {noun = 'page', more = '', hint}: {noun?: string; more?: string; hint?: string} = {},
): void {
  if (index < pages) return;
  const has = pages === 1 ? `one ${noun}, number 0` : `${pages} ${noun}s, numbers 0 to ${pages - 1}`;
  throw new Undecodable(`it has ${has}${more}, so there is no page ${index}`, hint === undefined ? {} : {hint});
}

/** How the planes of a stack are counted: ' (5 slices × 4 frames)'. Empty if that says no more than their number. */
export function gridInWords({planes, size, hasChannelPages}: Pick<Stack, 'planes' | 'size' | 'hasChannelPages'>) {
  if (size === undefined || planes === 1 || size.slices * size.frames !== planes) return '';
  const isOneAxis = size.slices === 1 || size.frames === 1;
  return isOneAxis && !hasChannelPages ? '' : ` (${count(size.slices, 'slice')} × ${count(size.frames, 'frame')})`;
}

/** The names of channels in brackets. Empty if they have none. */
export function inBrackets(names: readonly string[]): string {
  return names.length === 0 ? '' : ` (${names.join(', ')})`;
}

/** Pages of which nothing is known. */
export function pagesAlone(pages: number): Stack {
  return {planes: pages, pagesOf: (plane) => [plane], hasChannelPages: false, size: undefined, names: []};
}

/** ImageJ's hyperstacks have the order channels, slices, frames. ImageJ ignores numbers that do not fit the pages. */
function stackOfImageJ(description: string, pages: number): Stack | undefined {
  const of = (key: string) => Number(new RegExp(`^${key}=(\\d+)`, 'm').exec(description)?.[1] ?? 1);
  const size = {channels: of('channels'), slices: of('slices'), frames: of('frames')};
  const {channels} = size;
  const planes = size.slices * size.frames;
  if (planes * channels !== pages || channels > MOST_CHANNELS) return undefined;
  const pagesOf = (plane: number) => Array.from({length: channels}, (_, channel) => plane * channels + channel);
  return {planes, pagesOf, hasChannelPages: channels > 1, size, names: []};
}

/** More channels than these belong to a damaged file. */
const MOST_CHANNELS = 1e4;

/** The pages of each plane of an image, slices first. Undefined if the metadata do not fit the pages. */
function planesOf(
  {order, size, pages: blocks}: OmeImage,
  {next, pages, perPixel}: {next: number; pages: number; perPixel: number},
): number[][] | undefined {
  const sizes: Dimensions = {...size, c: size.c / perPixel};
  const total = sizes.c * sizes.z * sizes.t;
  const isWhole = Object.values(sizes).every((each) => Number.isInteger(each) && each > 0);
  if (!isWhole || total > pages || [...order].sort().join('') !== 'CTZ') return undefined;
  const axes = [...order.toLowerCase()] as (keyof Dimensions)[];
  const numbers = new Int32Array(total).fill(-1);
  for (const {page, first, count: given} of blocks.length === 0 ? [{page: next, first: START, count: total}] : blocks) {
    const number = given ?? (page === undefined ? total : 1);
    const from = axes.reduceRight((sum, axis) => sum * sizes[axis] + first[axis], 0);
    for (let i = 0; i < number && from + i < total; i++) {
      const at = (page ?? 0) + i;
      if (at < pages) numbers[from + i] = at;
    }
  }
  if (numbers.includes(-1)) return undefined;
  const at = (place: Dimensions) => numbers[axes.reduceRight((sum, axis) => sum * sizes[axis] + place[axis], 0)]!;
  return Array.from({length: sizes.z * sizes.t}, (_, plane) =>
    Array.from({length: sizes.c}, (_, c) => at({c, z: plane % sizes.z, t: Math.floor(plane / sizes.z)})),
  );
}

const START: Dimensions = {c: 0, z: 0, t: 0};
