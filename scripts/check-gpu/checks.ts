/**
 * Checks that a device computes the same as the CPU. check-gpu runs them on a GPU, and a test runs them on the
 * stand-in.
 */
import {setTimeout} from 'node:timers/promises';
import {isDeepStrictEqual} from 'node:util';
import type {Model, NativeDetections, NativeModelOptions, Optimizer} from '../../binding.js';
import {drawGlandImage} from '../../examples/glands/generate.js';
import type {Binding} from '../../lib/addon/binding.js';
import {instancesFromIds} from '../../lib/datasets/instances.js';
import {toNativeImage, toNativeTarget} from '../../lib/datasets/targets.js';
import type {ModelOptions} from '../../lib/index.js';
import {completeModelOptions} from '../../lib/model/complete-options.js';

export type Subject = {
  binding: Binding;
  /** The device's name in libtorch. */
  device: string;
  /** Bytes that the device has allocated to this process. */
  memory(): number;
  /** The options of the network, except those that the checks set themselves. */
  network: ModelOptions;
  /** The size of the images in pixels. */
  size: {width: number; height: number};
  /** The precisions to check besides float32. */
  precisions: readonly ('bfloat16' | 'float16')[];
};

export type Check = {name: string; isRight: boolean; detail: string};

type Changes = Partial<Pick<NativeModelOptions, 'precision' | 'tf32' | 'graphs'>>;
type Stage = {name: string; data: Float32Array};

/** Relative, in float32. Sums are computed in another order, and cuDNN's convolutions use TF32 if requested. */
const STAGE_TOLERANCES = {none: 1e-4, convolutions: 5e-3} as const;
const LOSS_TOLERANCE = 1e-3;
/** Gradients jump where a number is near 0 before a ReLU, which another order of sums opens or closes. */
const GRADIENT_TOLERANCE = 1e-2;
const DETECTION_TOLERANCE = 1e-3;
/** A graph runs the same operations as the network, but cuDNN may choose another algorithm for them. */
const GRAPH_TOLERANCE = 1e-4;
/** The weights of the second step on differ in their last digits. */
const AGAIN_TOLERANCE = 5e-3;
/**
 * Absolute for the best score and relative for the losses. bfloat16 has 8 significant bits, so in it a last digit of a
 * weight soon makes a step draw other proposals.
 */
const MIXED_TOLERANCE = 0.1;

const STEPS = 10;
/**
 * Very small, because the weights are random: with 1e-4, a difference in the last digit grows to a hundredth within the
 * steps.
 */
const LR = 1e-7;

export async function* checkDevice(subject: Subject): AsyncGenerator<Check> {
  yield* checkStages(subject, 'none');
  yield* checkStages(subject, 'convolutions');
  yield* checkSteps(subject);
  yield* checkState(subject);
  yield* checkDetections(subject);
  yield* checkGraphs(subject);
  yield* checkMixed(subject);
  yield* checkCheckpointing(subject);
  yield await checkDisposal(subject);
}

async function* checkStages(subject: Subject, tf32: keyof typeof STAGE_TOLERANCES): AsyncGenerator<Check> {
  const {image} = await sample(subject, 1);
  const trace = (device: string) => on(subject, device, {tf32}, (model) => model.trace([image]) as Promise<Stage[]>);
  const [expected, actual] = [await trace('cpu'), await trace(subject.device)];
  for (const [i, {name, data}] of expected.entries()) {
    // From here on, the order of nearly equal scores matters.
    if (name.startsWith('proposals')) break;
    yield within(`${name}, TF32 for ${tf32}`, difference(actual[i]!.data, data), STAGE_TOLERANCES[tf32]);
  }
}

async function* checkSteps(subject: Subject): AsyncGenerator<Check> {
  const expected = await on(subject, 'cpu', {}, (model) => losses(subject, model));
  const actual = await on(subject, subject.device, {}, (model) => losses(subject, model));
  for (const [step, loss] of expected.entries()) {
    yield within(`loss of step ${step + 1}`, difference([actual[step]!], [loss]), LOSS_TOLERANCE);
  }
}

/** Checks that the optimizer's state can be read and restored, as checkpoints need it. */
async function* checkState(subject: Subject): AsyncGenerator<Check> {
  const train = async (model: Model) => {
    const optimizer = makeOptimizer(subject, model);
    await takeStep(subject, model, optimizer);
    const state = await optimizer.stateDict();
    const again = makeOptimizer(subject, model);
    await again.loadStateDict(state);
    return {state, isKept: isDeepStrictEqual(await again.stateDict(), state)};
  };
  const expected = await on(subject, 'cpu', {}, train);
  const actual = await on(subject, subject.device, {}, train);
  yield {name: 'state', isRight: actual.isKept, detail: `${actual.state.length} tensors, out and in`};
  const floats = ({data}: {data: Uint8Array}) => new Float32Array(data.slice().buffer);
  const off = expected.state.map((tensor, i) => difference(floats(actual.state[i]!), floats(tensor)));
  yield within('momentum', Math.max(...off), GRADIENT_TOLERANCE);
}

async function* checkDetections(subject: Subject): AsyncGenerator<Check> {
  const expected = await on(subject, 'cpu', {}, (model) => detect(subject, model));
  const actual = await on(subject, subject.device, {}, (model) => detect(subject, model));
  const detail = `${actual.scores.length}, on the CPU ${expected.scores.length}`;
  yield {name: 'detections', isRight: actual.scores.length === expected.scores.length, detail};
  for (const name of ['scores', 'boxes'] as const) {
    yield within(name, difference(actual[name], expected[name]), DETECTION_TOLERANCE);
  }
}

async function* checkGraphs(subject: Subject): AsyncGenerator<Check> {
  for (const precision of ['float32', 'bfloat16'] as const) {
    let graphs = 0;
    const plain = await on(subject, subject.device, {precision}, (model) => detect(subject, model));
    const found = await on(subject, subject.device, {precision, graphs: true}, async (model) => {
      const times: NativeDetections[] = [];
      for (let time = 0; time < 3; time++) times.push(await detect(subject, model));
      graphs = await model.graphs();
      return times;
    });
    yield {name: `graph in ${precision}`, isRight: graphs === 1, detail: `${graphs} captured`};
    // The first detection runs normally, the second captures the graph, the third replays it.
    for (const [time, {scores}] of found.entries()) {
      yield within(`graph in ${precision}, detection ${time + 1}`, difference(scores, plain.scores), GRAPH_TOLERANCE);
    }
  }
}

async function* checkMixed(subject: Subject): AsyncGenerator<Check> {
  const expected = await on(subject, subject.device, {}, (model) => detect(subject, model));
  const exact = await on(subject, subject.device, {}, (model) => losses(subject, model));
  for (const precision of subject.precisions) {
    const {scores} = await on(subject, subject.device, {precision}, (model) => detect(subject, model));
    yield within(`best score in ${precision}`, Math.abs(scores[0]! - expected.scores[0]!), MIXED_TOLERANCE);
    const rough = await on(subject, subject.device, {precision}, (model) => losses(subject, model));
    yield within(`losses of ${STEPS} steps in ${precision}`, difference(rough, exact), MIXED_TOLERANCE);
  }
}

async function* checkCheckpointing(subject: Subject): AsyncGenerator<Check> {
  for (const precision of ['float32', ...subject.precisions] as const) {
    const train = (recomputes: boolean) =>
      on(subject, subject.device, {precision}, async (model) => {
        await model.setActivationCheckpointing(recomputes);
        const optimizer = makeOptimizer(subject, model);
        const first = await differentiate(subject, model);
        const norms = Object.values(await model.gradientNorms());
        await optimizer.step({lr: LR, clipNorm: null});
        return {norms, losses: [first, ...(await takeSteps(subject, model, optimizer, STEPS - 1))]};
      });
    const [kept, again] = [await train(false), await train(true)];
    const what = `in ${precision}, maps computed again`;
    yield within(`loss of step 1 ${what}`, difference([again.losses[0]!], [kept.losses[0]!]), LOSS_TOLERANCE);
    yield within(`gradients ${what}`, difference(again.norms, kept.norms), GRADIENT_TOLERANCE);
    const tolerance = precision === 'float32' ? AGAIN_TOLERANCE : MIXED_TOLERANCE;
    yield within(`losses of ${STEPS} steps ${what}`, difference(again.losses, kept.losses), tolerance);
  }
}

async function checkDisposal(subject: Subject): Promise<Check> {
  const before = await settled(subject.memory);
  const held = await on(subject, subject.device, {}, async (model) => {
    await detect(subject, model);
    return subject.memory() - before;
  });
  const left = (await settled(subject.memory)) - before;
  const detail = `${(held / 1e6).toFixed(0)} MB, and ${(left / 1e6).toFixed(0)} MB after it`;
  return {name: 'dispose', isRight: held > 0 && left < held / 10, detail};
}

/** The memory once it has not changed for a second. A model's worker thread frees memory when it is idle. */
async function settled(memory: () => number): Promise<number> {
  let value = memory();
  for (let same = 0; same < 10; ) {
    await setTimeout(100);
    const now = memory();
    same = now === value ? same + 1 : 0;
    value = now;
  }
  return value;
}

/** Uses a model on any device, always with the same weights, and then disposes of it. */
async function on<T>(
  {binding, network, size}: Subject,
  device: string,
  changes: Changes,
  use: (model: Model) => Promise<T>,
): Promise<T> {
  const {options} = completeModelOptions(
    {
      ...network,
      minSize: size.height,
      maxSize: size.width,
      backboneNorm: 'frozen',
      boxScoreThresh: 0,
      tf32: 'none',
      seed: 3,
      ...changes,
    },
    {pretrained: true, frozenBatchNormEps: undefined, numClasses: 2, device, threads: 2},
  );
  const model = await binding.Model.create(options);
  try {
    return await use(model);
  } finally {
    model.dispose();
  }
}

async function detect(subject: Subject, model: Model): Promise<NativeDetections> {
  const limits = {scoreThreshold: 0, maxDetections: 100, maskFormat: 'bitmap', maskThreshold: 0.5, views: 1} as const;
  const {image} = await sample(subject, 1);
  const [found] = await model.detect([image], limits);
  return found!;
}

/** The losses of the steps of a short training. */
async function losses(subject: Subject, model: Model): Promise<number[]> {
  return takeSteps(subject, model, makeOptimizer(subject, model), STEPS);
}

async function takeSteps(subject: Subject, model: Model, optimizer: Optimizer, count: number): Promise<number[]> {
  const sums: number[] = [];
  for (let step = 0; step < count; step++) sums.push(await takeStep(subject, model, optimizer));
  return sums;
}

function makeOptimizer({binding}: Subject, model: Model): Optimizer {
  const parameters = model.parameters().flatMap(({name, trainable}) => (trainable ? [name] : []));
  const groups = [{parameters, lrMultiplier: 1, weightDecay: 0.0005}];
  return new binding.Optimizer(model, {type: 'sgd', momentum: 0.9, nesterov: false, groups});
}

/** Takes a training step. Resolves to the loss before it. */
async function takeStep(subject: Subject, model: Model, optimizer: Optimizer): Promise<number> {
  const loss = await differentiate(subject, model);
  await optimizer.step({lr: LR, clipNorm: null});
  return loss;
}

/** Resolves to the loss of two images. */
async function differentiate(subject: Subject, model: Model): Promise<number> {
  const samples = await Promise.all([sample(subject, 1), sample(subject, 2)]);
  const values = await model.computeLosses(
    samples.map(({image}) => image),
    samples.map(({target}) => target),
    {backward: true, lossScale: 1},
  );
  return Object.values(values).reduce((sum, value) => sum + value, 0);
}

async function sample({size}: Subject, seed: number) {
  const {data, ids} = drawGlandImage(seed, size.width, size.height);
  const file = `drawn ${seed}`;
  const {instances} = await instancesFromIds({ids, ...size}, {label: 1, minArea: 1, file});
  const one = {file, image: {data, ...size}, instances};
  return {image: toNativeImage(one), target: toNativeTarget(one, ['gland'])};
}

/** That a difference is below its tolerance. */
export function within(name: string, off: number, tolerance: number): Check {
  return {name, isRight: off < tolerance, detail: `off by ${off.toExponential(1)} of ${tolerance}`};
}

/** The largest difference relative to the largest value; infinite if the lengths differ. */
function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [most, scale] = [0, 1e-30];
  for (let i = 0; i < expected.length; i++) {
    const off = Math.abs(actual[i]! - expected[i]!);
    most = Number.isNaN(off) ? Number.POSITIVE_INFINITY : Math.max(most, off);
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return most / scale;
}
