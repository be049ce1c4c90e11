import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {instancesFromIds} from '../../lib/datasets/instances.js';
import type {ResolvedModelOptions, Sample} from '../../lib/index.js';

/** The task to measure, for all sides. It is read from DIR/task.json. */
export type Task = {
  kind: 'detect' | 'train';
  /** 'cpu' or 'cuda'. */
  device: string;
  /** A `.safetensors` file with the complete network. */
  weights: string;
  options: ResolvedModelOptions;
  /** Raw RGB files in DIR, width × height × 3 bytes each. */
  images: {pixels: string; width: number; height: number}[];
  /** For each image, the file in DIR with its mask of ids (raw bytes), and the number of objects in it. */
  masks: {ids: string; objects: number}[];
};

/** The values, by name, that a side reports when it is ready. They must be equal on all sides. */
export type Check = Record<string, number[]>;
/** What a side reports of each run, and at the end. */
export type Timing = {seconds: number};
export type Ending = {peakMiB: number};

export async function readTask(folder: string): Promise<{task: Task; samples: Sample[]}> {
  const task = JSON.parse(await readFile(join(folder, 'task.json'), 'utf8')) as Task;
  const readSample = async ({pixels, width, height}: Task['images'][number], index: number): Promise<Sample> => {
    const image = {data: new Uint8Array(await readFile(join(folder, pixels))), width, height};
    const ids = new Uint8Array(await readFile(join(folder, task.masks[index]!.ids)));
    const {instances} = await instancesFromIds({ids, width, height}, {label: 1, minArea: 1, file: pixels});
    return {file: pixels, image, instances};
  };
  return {task, samples: await Promise.all(task.images.map(readSample))};
}
