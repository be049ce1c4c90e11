import {mkdtemp} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {loadBinding} from '../../lib/addon/binding.js';
import type {Dataset, Detections, MaskRcnn, PredictOptions, Sample} from '../../lib/index.js';
import {RunFolder} from '../../lib/run/run-folder.js';
import {epoch, pixelScores, step} from '../run/records.js';
import {side, squareSample} from './square.js';

/**
 * Three images with one square each, whose classes alternate. The file names contain markup that could break the page.
 */
export const squares = (classes: readonly string[]): Dataset => ({
  length: 3,
  classes,
  get: async (index) => sample(index, classes),
});

function sample(index: number, classes: readonly string[]): Sample {
  const {instances, ...rest} = squareSample(index, `</script><b>${index}.png`);
  return {...rest, instances: instances.map((instance) => ({...instance, label: 1 + (index % classes.length)}))};
}

const {rle} = await loadBinding();
const counts = rle.encodeCrop(
  {left: 20, top: 20, width: 10, height: 10, data: new Uint8Array(100).fill(1)},
  side,
  side,
);
const hit = rle.encodeCrop(sample(0, ['square']).instances[0]!.mask!, side, side);

const lowerHalf = rle.encodeCrop({left: 0, top: 5, width: 10, height: 5, data: new Uint8Array(50).fill(1)}, side, side);

/**
 * Detects the square on image 1 with score 0.9, and something else on all other images with score 0.6, always as the
 * first class.
 */
export const modelOf = (name: string) => {
  const predict = async ({data: [index]}: Sample['image']): Promise<Detections[]> => [
    {
      ...{width: side, height: side, labels: Int32Array.of(1), classNames: [name]},
      boxes: index === 1 ? Float32Array.of(0, 0, 10, 10) : Float32Array.of(20, 20, 30, 30),
      scores: Float32Array.of(index === 1 ? 0.9 : 0.6),
      masks: [{size: [side, side], counts: index === 1 ? hit : counts}],
    },
  ];
  return {predict, classes: [name], options: {masks: 'instance'}} as unknown as MaskRcnn;
};
export const squareModel = modelOf('square');

/**
 * Detects on every image, best first: the square, its lower half, something else, and the square as the second of its
 * two classes. The last score is not a number of two digits.
 */
export const busyModel = {
  classes: ['square', 'circle'],
  options: {masks: 'instance'},
  predict: async (_image: Sample['image'], {scoreThreshold = 0}: PredictOptions = {}): Promise<Detections[]> => {
    const all = {scores: [0.9, 0.8, 0.6, 0.3331], labels: [1, 1, 1, 2], masks: [hit, lowerHalf, counts, hit]};
    const count = all.scores.filter((score) => Math.fround(score) > scoreThreshold).length;
    const labels = Int32Array.from(all.labels.slice(0, count));
    return [
      {
        ...{width: side, height: side, labels, boxes: new Float32Array(4 * count)},
        classNames: Array.from(labels, (label) => ['square', 'circle'][label - 1]!),
        scores: Float32Array.from(all.scores.slice(0, count)),
        masks: all.masks.slice(0, count).map((runs) => ({size: [side, side], counts: runs})),
      },
    ];
  },
} as unknown as MaskRcnn;

/** Creates the folder of a run of three epochs, of which the second was not evaluated. */
export async function makeSquaresRun(): Promise<string> {
  const run = await mkdtemp(join(tmpdir(), 'maskrcnn-report-'));
  const folder = await RunFolder.open(run);
  await folder.writeOptions({model: {backbone: '<resnet18>'}, classes: ['square'], train: {lr: 0.01}});
  const steps = Array.from({length: 6}, (_, index) => step(index, 3 - index / 4));
  for (const record of steps) await folder.append({type: 'step', ...record});
  for (const index of [0, 1, 2]) {
    await folder.append({type: 'epoch', ...epoch(index, index === 1 ? null : {pixel: pixelScores(0.5 + index / 10)})});
  }
  await folder.close();
  return run;
}
