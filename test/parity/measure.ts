import {readFileSync} from 'node:fs';
import type {Losses, Model, NativeModelOptions} from '../../binding.js';
import {loadBinding} from '../../lib/addon/binding.js';
import {CONFIGS, type Network} from './configs.js';
import {type Digest, digestError, relativeError} from './digest.js';
import {fillState, type Gains} from './formula.js';
import {type Scene, sceneImage, sceneTarget} from './scenes.js';

/** A file of test/fixtures/parity: see `scripts/fixtures/README.md`. */
export type Fixture = {
  versions: Record<string, string>;
  /** torchvision's own relative deviation when it computes in another order or its weights change by 1e-7. */
  sensitivity: Record<string, number>;
  gains: Gains;
  biases: Record<string, number[]>;
  scenes: Scene[];
  detected: number;
  stages: Record<string, Digest>;
  detections: Record<string, Digest>;
  training: {
    seed: number;
    lr: number;
    momentum: number;
    weightDecay: number;
    losses: number[][];
    gradientNorms: Record<string, number>;
    statistics: Record<string, Digest>;
  };
};

/** Relative errors by stage, in the order of the computation. */
export type Errors = Map<string, number>;

export const LOSSES = [
  'loss_classifier',
  'loss_box_reg',
  'loss_mask',
  'loss_objectness',
  'loss_rpn_box_reg',
] as const satisfies (keyof Losses)[];

export function readFixture<T = Fixture>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../fixtures/parity/${name}.json`, import.meta.url), 'utf8')) as T;
}

/** The network with the fixture's weights. */
export async function createModel(
  network: Network,
  {gains, biases}: Fixture,
  options: Partial<NativeModelOptions> = {},
): Promise<Model> {
  const {Model} = await loadBinding();
  const model = await Model.create({...CONFIGS[network], ...options});
  await model.loadStateDict(fillState(model.parameters(), gains, biases));
  return model;
}

/** Compares every stage of detection. A stage that is missing on either side has an infinite error. */
export async function measureStages(model: Model, fixture: Fixture): Promise<Errors> {
  const traced = await model.trace(fixture.scenes.slice(0, fixture.detected).map(sceneImage));
  const errors: Errors = new Map(Object.keys(fixture.stages).map((name) => [name, Number.POSITIVE_INFINITY]));
  for (const {name, shape, data} of traced) {
    const reference = fixture.stages[name];
    errors.set(name, reference ? digestError(name, shape, data, reference) : Number.POSITIVE_INFINITY);
  }
  return errors;
}

/** A name, a shape and values. */
type Part = [string, number[], Float32Array];

/** Compares boxes, labels, scores and pasted masks, in pixels of the given images. */
export async function measureDetections(model: Model, fixture: Fixture): Promise<Errors> {
  const images = fixture.scenes.slice(0, fixture.detected).map(sceneImage);
  // These limits are looser than the model's own, so the model's apply.
  const limits = {scoreThreshold: 0, maxDetections: 1000, views: 1} as const;
  const hasMasks = 'detections.0.masks' in fixture.detections;
  const maskFormat = hasMasks ? 'float' : 'none';
  const detections = await model.detect(images, {...limits, maskFormat, maskThreshold: 0.5});
  const errors: Errors = new Map();
  for (const [index, {boxes, labels, scores, masks}] of detections.entries()) {
    const {width, height} = images[index]!;
    const count = scores.length;
    const pasted = new Float32Array(count * height * width);
    for (const [i, mask] of (masks as Float32Array[]).entries()) pasted.set(mask, i * height * width);
    const parts: Part[] = [
      ['boxes', [count, 4], boxes],
      ['labels', [count], Float32Array.from(labels)],
      ['scores', [count], scores],
      ...(hasMasks ? [['masks', [count, height, width], pasted] satisfies Part] : []),
    ];
    for (const [part, shape, values] of parts) {
      const name = `detections.${index}.${part}`;
      errors.set(name, digestError(name, shape, values, fixture.detections[name]!));
    }
  }
  return errors;
}

/**
 * Compares steps of SGD: the losses of every step, the gradient norms of the first, and the running statistics after
 * the last. This trains the model.
 */
export async function measureTraining(model: Model, fixture: Fixture): Promise<Errors> {
  const {Optimizer} = await loadBinding();
  const {seed, lr, momentum, weightDecay, losses, gradientNorms, statistics} = fixture.training;
  const images = fixture.scenes.map(sceneImage);
  const targets = fixture.scenes.map(sceneTarget);
  const parameters = model.parameters().flatMap(({name, trainable}) => (trainable ? [name] : []));
  const groups = [{parameters, lrMultiplier: 1, weightDecay}];
  const optimizer = new Optimizer(model, {type: 'sgd', momentum, nesterov: false, groups});

  const errors: Errors = new Map();
  for (const [step, expected] of losses.entries()) {
    await model.seed(seed + step);
    const values = await model.computeLosses(images, targets, {backward: true, lossScale: 1});
    const stepErrors = LOSSES.map((name, i) => relativeError(values[name], expected[i]!));
    if (step > 0) {
      errors.set(`losses of step ${step + 1}`, Math.max(...stepErrors));
    } else {
      for (const [i, name] of LOSSES.entries()) errors.set(name, stepErrors[i]!);
      const norms = await model.gradientNorms();
      for (const [name, norm] of Object.entries(gradientNorms)) {
        errors.set(`gradient of ${name}`, relativeError(norms[name] ?? Number.NaN, norm));
      }
    }
    await optimizer.step({lr, clipNorm: null});
  }
  const state = new Map((await model.stateDict()).map((tensor) => [tensor.name, tensor]));
  for (const [name, reference] of Object.entries(statistics)) {
    const {shape, data} = state.get(name)!;
    errors.set(name, digestError(name, shape, new Float32Array(Uint8Array.from(data).buffer), reference));
  }
  return errors;
}
