/** Regions of a plane whose channels are pages: each page is read on its own, and they become red, green and blue. */
import {inTurns} from '../../basics/turns.js';
import {chooseChannels} from '../from-planes.js';
import type {RgbImage} from '../rgb-image.js';
import type {Stack} from '../stack.js';
import type {Rect, RegionPixels} from './region-source.js';

/** A channel: its page, and its number there. */
export type ChannelOfPage = {page: number; sample: number};

/**
 * Where the channels to read are: those `asked` for, counted over all pages of the plane, or the default of
 * `readImage()`. Throws an Error with the reason for one that is not there.
 */
export function channelsOfPages(
  plane: readonly number[],
  perPage: number,
  {asked, stack}: {asked: readonly number[] | undefined; stack: Stack},
): ChannelOfPage[] {
  const channels = plane.length * perPage;
  return chooseChannels(asked, {channels, hasAlpha: false, names: stack.names}).map((channel) => ({
    page: plane[Math.floor(channel / perPage)]!,
    sample: channel % perPage,
  }));
}

/** One to three grey sources of the same size as RGB: one stays grey, and of two the blue is black. */
export function channelPixels(parts: readonly RegionPixels[]): RegionPixels {
  const [first] = parts as [RegionPixels];
  if (parts.length === 1) return first;
  const {width, height} = first;
  return {width, height, read: (rect) => readChannels(parts, rect)};
}

async function readChannels(parts: readonly RegionPixels[], rect: Rect): Promise<RgbImage> {
  const images = await Promise.all(parts.map((part) => part.read(rect)));
  const data = new Uint8Array(rect.width * rect.height * 3);
  for (const [channel, image] of images.entries()) {
    await inTurns(rect.width * rect.height, (from, to) => {
      for (let i = from; i < to; i++) data[i * 3 + channel] = image.data[i * 3]!;
    });
  }
  const notices = new Map(images.flatMap((image) => image.notices ?? []).map((notice) => [notice.kind, notice]));
  return {data, width: rect.width, height: rect.height, ...(notices.size > 0 && {notices: [...notices.values()]})};
}
