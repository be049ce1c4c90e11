import type {SharpOptions} from 'sharp';
import {inTurns} from '../basics/turns.js';
import {loadSharp} from './load-sharp.js';
import type {Plane, SampleType} from './samples.js';

/** The colour space that libvips sees, in which it leaves the stored numbers as they are. */
export type Space = 'b-w' | 'grey16' | 'srgb' | 'rgb16' | 'scrgb' | 'cmyk';

/** Spaces of which sharp returns only the first channel, or of other channels than RGB's, unless one is chosen. */
const ONE_BY_ONE: readonly Space[] = ['b-w', 'cmyk'];

/** How to decode the channels of a file. */
export type PlaneSource = {
  bytes: Uint8Array;
  open: SharpOptions;
  space: Space;
  /** Signed types have the bits of unsigned ones: libvips clips negative numbers. */
  type: SampleType;
  /** Makes a channel the only one of the file. Only where each is stored on its own. */
  choose?: ((channel: number) => void) | undefined;
  /** Of 64 bits: whether the first of the two halves, which are decoded as channels, is the lower one. */
  isLittleEndian?: boolean;
};

export type Planes = {planes: Plane[]; width: number; height: number};

/** libvips' name for a type without its sign. */
const DEPTHS = {
  uint8: 'uchar',
  int8: 'uchar',
  uint16: 'ushort',
  int16: 'ushort',
  uint32: 'uint',
  int32: 'uint',
  float32: 'float',
  float64: 'uint', // halves
} as const;

const ARRAYS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Uint32Array, // halves
} as const;

/** The stored numbers of `channels`; those of 64 bits as the nearest of 32 bits. */
export async function decodePlanes(source: PlaneSource, channels: readonly number[]): Promise<Planes> {
  if (source.type !== 'float64') return decodeChannels(source, channels);
  const {choose, isLittleEndian = true} = source;
  const joined: Plane[] = [];
  let size = {width: 0, height: 0};
  for (const channel of channels) {
    choose?.(channel);
    const first = choose === undefined ? 2 * channel : 0;
    const {planes, ...rest} = await decodeChannels({...source, choose: undefined}, [first, first + 1]);
    size = rest;
    joined.push(await join(planes as [Plane, Plane], isLittleEndian));
  }
  return {planes: joined, ...size};
}

/** Floats of the halves of numbers of 64 bits. */
async function join([a, b]: [Plane, Plane], isLittleEndian: boolean): Promise<Plane> {
  const [low, high] = isLittleEndian ? [a, b] : [b, a];
  const values = new Float32Array(a.length);
  const halves = new Uint32Array(2);
  const number = new Float64Array(halves.buffer); // every platform of libtorch is little-endian
  await inTurns(a.length, (from, to) => {
    for (let i = from; i < to; i++) {
      halves[0] = low.values[low.offset + i * low.stride]!;
      halves[1] = high.values[high.offset + i * high.stride]!;
      values[i] = number[0]!;
    }
  });
  return {values, offset: 0, stride: 1, length: a.length};
}

async function decodeChannels(source: PlaneSource, channels: readonly number[]): Promise<Planes> {
  const {space, type, choose} = source;
  if (choose === undefined && !ONE_BY_ONE.includes(space)) {
    const {data, info} = await decode(source);
    const {width, height, channels: stride} = info;
    const values = numbers(data, type);
    return {planes: channels.map((offset) => ({values, offset, stride, length: width * height})), width, height};
  }
  const decoded = new Map<number, Plane>();
  let size = {width: 0, height: 0};
  for (const channel of new Set(channels)) {
    choose?.(channel);
    // One after the other, because `choose` changes the file.
    const {data, info} = await decode(source, choose === undefined ? channel : 0);
    size = {width: info.width, height: info.height};
    const length = info.width * info.height;
    decoded.set(channel, {values: numbers(data, type), offset: 0, stride: info.channels, length});
  }
  return {planes: channels.map((channel) => decoded.get(channel)!), ...size};
}

async function decode({bytes, open, space, type}: PlaneSource, channel?: number) {
  const sharp = await loadSharp();
  const pipeline = sharp(bytes, open).toColourspace(space);
  if (space === 'cmyk') pipeline.pipelineColourspace(space); // otherwise it is RGB in between
  if (channel !== undefined) pipeline.extractChannel(channel as 0);
  return pipeline.raw({depth: DEPTHS[type]}).toBuffer({resolveWithObject: true});
}

/** The bytes that sharp returns as numbers; they begin at a whole number of values. */
function numbers({buffer, byteOffset, length}: Buffer, type: SampleType): Plane['values'] {
  const Numbers = ARRAYS[type];
  return new Numbers(buffer as ArrayBuffer, byteOffset, length / Numbers.BYTES_PER_ELEMENT);
}
