import {Undecodable} from './bytes.js';
import {toLevels} from './levels.js';
import {depthNotices, type FileNotice, nanNotices} from './notices.js';
import type {PixelRange} from './pixel-options.js';
import type {RgbImage} from './rgb-image.js';
import type {Plane, SampleType} from './samples.js';
import {inBrackets, type StackSize} from './stack.js';

/** What is known of the planes of a file. */
export type PlanesOf = {
  /** Name of the file. */
  name: string;
  width: number;
  height: number;
  type: SampleType;
  range: PixelRange;
  /** Channels and pages of the file. */
  channels: number;
  pages: number;
  /** How the pages are counted, if the file says it. */
  stack?: StackSize;
  /** Whether white is 0. */
  inverted?: boolean;
};

/** The image of one to three planes, with `more` notices. Throws an Error with the reason. */
export async function fromPlanes(
  planes: readonly Plane[],
  {name, width, height, type, range, channels, pages, stack, inverted = false}: PlanesOf,
  more: readonly FileNotice[] = [],
): Promise<RgbImage> {
  const {rgb, values, levels, nans} = await toLevels(planes, {type, range, inverted});
  const isBlank = values === undefined || (range === 'percentile' && values[0] === values[1]);
  const notices = [
    ...(isBlank ? [] : depthNotices(name, {type, values, levels, range})),
    ...nanNotices(name, nans),
    ...more,
  ];
  const stored = {type, channels, pages, ...(stack && {stack}), ...(values && {values})};
  return {data: rgb, width, height, stored, ...(notices.length > 0 && {notices})};
}

/**
 * The channels to read: those `asked` for, or else the first three, or the first, without alpha. Throws an Error with
 * the reason for one that the file does not have.
 */
export function chooseChannels(
  asked: readonly number[] | undefined,
  {channels, hasAlpha, names = []}: {channels: number; hasAlpha: boolean; names?: readonly string[]},
): readonly number[] {
  const colours = hasAlpha ? channels - 1 : channels;
  if (asked === undefined) return colours < 3 ? [0] : [0, 1, 2];
  const missing = asked.find((channel) => channel >= channels);
  if (missing === undefined) return asked;
  const has =
    channels === 1 ? 'one channel, number 0' : `${channels} channels, numbers 0 to ${channels - 1}${inBrackets(names)}`;
  throw new Undecodable(`it has ${has}, so there is no channel ${missing}`);
}
