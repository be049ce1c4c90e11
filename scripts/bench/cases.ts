import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {drawGlandImage} from '../../examples/glands/generate.js';
import {type MaskRcnn, type ModelOptions, maskRcnn, type RawImage} from '../../lib/index.js';
import type {Task} from './task.js';

export type Case = {
  name: string;
  kind: Task['kind'];
  /** Number of images per batch, and their size in pixels as the network sees them. */
  images: number;
  width: number;
  height: number;
  model: ModelOptions;
};

const small = {width: 704, height: 512};
const large = {width: 1088, height: 800};
/** Number of detections on the image: the most that torchvision keeps. */
const DETECTIONS = 100;

/** On the CPU. */
const CPU_CASES: readonly Case[] = [
  {name: 'inference', kind: 'detect', images: 1, ...small, model: {backboneNorm: 'frozen'}},
  {
    name: 'training, all layers',
    kind: 'train',
    images: 2,
    ...small,
    model: {backboneNorm: 'batch', trainableBackboneLayers: 5},
  },
  {
    name: 'training, 3 layers',
    kind: 'train',
    images: 2,
    ...small,
    model: {backboneNorm: 'frozen', trainableBackboneLayers: 3},
  },
  {
    name: 'training, MobileNetV2',
    kind: 'train',
    images: 2,
    ...small,
    model: {
      backbone: 'mobilenet_v2',
      backboneNorm: 'frozen',
      returnedLayers: [2, 3, 4, 5],
      trainableBackboneLayers: 6,
    },
  },
];

/** On a GPU: batches of several sizes. */
const GPU_CASES: readonly Case[] = [
  ...[1, 8].map((images) => ({
    name: `inference, ${images}`,
    kind: 'detect' as const,
    images,
    ...large,
    model: {backboneNorm: 'frozen' as const},
  })),
  ...[2, 8].map((images) => ({
    name: `training, ${images}`,
    kind: 'train' as const,
    images,
    ...large,
    model: {backboneNorm: 'frozen' as const, trainableBackboneLayers: 3},
  })),
];

export function casesFor(device: string): readonly Case[] {
  return device === 'cpu' ? CPU_CASES : GPU_CASES;
}

/** Writes to `folder` what both sides need to run `one` on `device`. */
export async function writeTask(folder: string, one: Case, device: string): Promise<void> {
  const {kind, images, width, height} = one;
  const options: ModelOptions = {...one.model, minSize: height, maxSize: width, device: 'cpu', seed: 1};
  const task: Task = {
    kind,
    device,
    weights: 'weights.safetensors',
    options: {} as Task['options'],
    images: [],
    masks: [],
  };
  for (let index = 0; index < images; index++) {
    const {data, ids} = drawGlandImage(100 + index, width, height);
    await writeFile(join(folder, `image-${index}.rgb`), data);
    await writeFile(join(folder, `image-${index}.ids`), ids);
    task.images.push({pixels: `image-${index}.rgb`, width, height});
    task.masks.push({ids: `image-${index}.ids`, objects: ids.reduce((most, id) => Math.max(most, id), 0)});
  }
  await using model = await maskRcnn(options);
  await calm(model);
  if (kind === 'detect') await sharpen(model, drawGlandImage(100, width, height));
  await model.save(join(folder, task.weights));
  // maskRcnn() trains all layers if there are no pretrained weights. Both sides load these weights, so restore the
  // requested value.
  const {trainableBackboneLayers = model.options.trainableBackboneLayers} = options;
  const asked = {...model.options, trainableBackboneLayers};
  await writeFile(join(folder, 'task.json'), JSON.stringify({...task, options: asked}));
}

/**
 * With random weights and frozen norms, each residual block doubles the variance. Sixteen blocks would drown out
 * everything else.
 */
async function calm(model: MaskRcnn): Promise<void> {
  await change(model, /\.bn3\.weight$/, 0.2);
}

/**
 * Scales up the random class scores until they are as decisive as trained ones: until there are as many detections as
 * torchvision keeps.
 */
async function sharpen(model: MaskRcnn, {data, width, height}: RawImage): Promise<void> {
  for (let round = 0; round < 30; round++) {
    const [found] = await model.predict({data, width, height}, {maskFormat: 'none'});
    if (found!.scores.length === DETECTIONS) return;
    await change(model, /\.cls_score\.weight$/, 1.5);
  }
  throw new Error(`there are no weights with ${DETECTIONS} detections`);
}

/** Multiplies the weights whose names match by `factor`. */
async function change(model: MaskRcnn, names: RegExp, factor: number): Promise<void> {
  const state = await model.stateDict();
  for (const [name, tensor] of state) {
    if (!names.test(name)) continue;
    const values = new Float32Array(tensor.data.slice().buffer).map((value) => value * factor);
    state.set(name, {...tensor, data: new Uint8Array(values.buffer)});
  }
  await model.loadStateDict(state);
}
