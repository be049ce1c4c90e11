import {inTurns} from '../basics/turns.js';
import {decodeBmp} from './bmp.js';
import {chooseChannels, fromPlanes} from './from-planes.js';
import type {PixelOptions} from './pixel-options.js';
import type {RgbImage} from './rgb-image.js';
import {checkPage} from './stack.js';

/** A BMP as RGB. It has one page and three channels. Throws an Error with the reason. */
export async function bmpToRgb(
  bytes: Uint8Array,
  name: string,
  {range = 'full', page = 0, channels}: PixelOptions,
): Promise<RgbImage> {
  checkPage(page, 1);
  const chosen = chooseChannels(channels, {channels: 3, hasAlpha: false});
  const {data: values, width, height} = await colours(bytes);
  if (range === 'full' && channels === undefined) {
    return {data: values, width, height, stored: {type: 'uint8', channels: 3, pages: 1}};
  }
  const planes = chosen.map((offset) => ({values, offset, stride: 3, length: width * height}));
  return fromPlanes(planes, {name, width, height, type: 'uint8', range, channels: 3, pages: 1});
}

async function colours(bytes: Uint8Array): Promise<{data: Uint8Array; width: number; height: number}> {
  const {width, height, data, palette} = await decodeBmp(bytes);
  if (palette === undefined) return {data, width, height};
  const rgb = new Uint8Array(width * height * 3);
  // As in Windows, an index outside the palette is black.
  const colours = new Uint8Array(256 * 3);
  colours.set(palette);
  await inTurns(data.length, (from, to) => {
    for (let i = from; i < to; i++) for (let c = 0; c < 3; c++) rgb[i * 3 + c] = colours[data[i]! * 3 + c]!;
  });
  return {data: rgb, width, height};
}
