import {type MaskRcnn, type ModelOptions, maskRcnn} from '../../lib/index.js';
import {toStateDict} from '../../lib/weights/state-dict.js';
import {CONFIGS, type Network} from '../parity/configs.js';
import {fillState, hash} from '../parity/formula.js';
import {readFixture} from '../parity/measure.js';

const NARROW = {fpnChannels: 48, boxRepresentationSize: 128, maskChannels: 48};

/** A network of the parity tests with narrow heads, as a model of the API. Its formulas spread scores well apart. */
export async function formulaModel(network: Network): Promise<MaskRcnn> {
  const {gains, biases} = readFixture(network);
  const model = await maskRcnn({...CONFIGS[network], ...NARROW, device: 'cpu'});
  await model.loadStateDict(toStateDict(fillState(model.parameters(), gains, biases)));
  return model;
}

/**
 * Backbones without a fixture of torchvision. With the formulas of another network, their scores are spread well enough
 * for a comparison of two programs.
 */
export const OTHER_BACKBONES = {
  resnext50_32x4d: {...CONFIGS.resnet18, backbone: 'resnext50_32x4d', device: 'cpu'},
  mobilenet_v3_large: {
    ...CONFIGS.mobilenet_v2,
    backbone: 'mobilenet_v3_large',
    device: 'cpu',
    rpnScoreThresh: 0,
    boxScoreThresh: 0.05,
  },
} as const satisfies Record<string, ModelOptions>;

/** A network with one of these backbones, filled with the formulas of the network that it is configured as. */
export async function otherModel(name: keyof typeof OTHER_BACKBONES): Promise<MaskRcnn> {
  const {gains, biases} = readFixture(name === 'resnext50_32x4d' ? 'resnet18' : 'mobilenet_v2');
  const model = await maskRcnn({...OTHER_BACKBONES[name], ...NARROW});
  await model.loadStateDict(toStateDict(fillState(model.parameters(), gains, biases)));
  return model;
}

export type Pixels = {data: Uint8Array; width: number; height: number};

/** Images of 20 sizes: odd ones, thin ones, tiny ones, and last one that is black. */
const SIZES: readonly (readonly [width: number, height: number])[] = [
  [96, 64],
  [64, 96],
  [101, 67],
  [67, 101],
  [128, 128],
  [33, 45],
  [200, 57],
  [57, 200],
  [320, 240],
  [75, 75],
  [81, 80],
  [80, 81],
  [63, 97],
  [7, 5],
  [16, 16],
  [250, 31],
  [111, 113],
  [400, 300],
  [49, 64],
  [90, 60],
];

/** Stripes, noise and a disc. The noise of each `seed` is another. */
export function drawn(width: number, height: number, seed: number): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const [channel, pixel] = [i % 3, Math.floor(i / 3)];
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const isOfDisc = (x - width / 3) ** 2 + (y - height / 2) ** 2 < (Math.min(width, height) / 4) ** 2;
    data[i] = 60 + ((x + 2 * y + 40 * channel) % 90) + (hash(1000 * seed + i) & 31) + (isOfDisc ? 70 : 0);
  }
  return {data, width, height};
}

export const images: readonly Pixels[] = SIZES.map(([width, height], index) =>
  index === SIZES.length - 1 ? {data: new Uint8Array(width * height * 3), width, height} : drawn(width, height, index),
);

/** The largest difference of two lists of numbers of one length; NaN for others. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN;
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}
