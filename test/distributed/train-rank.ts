// One process of a group that trains the tiny network. Prints what the run has come to as JSON. Its argument may be a
// list of runs, one after the other: to start a process takes as long as a short run.
import {
  type Dataset,
  MaskRcnnError,
  type ModelOptions,
  maskRcnn,
  type StepRecord,
  type TrainOptions,
  train,
} from '../../lib/index.js';
import {blobSample, blobs, fingerprints, tinyModel} from '../tiny.js';
import {weightsOf} from './weights.js';

type Fault = 'throw' | 'hang' | 'stop' | 'abort' | 'dispose' | 'exit';

/** What the argument of the program may set. */
export type RankRun = {
  model?: ModelOptions;
  images: number;
  validation?: number;
  options: Omit<TrainOptions, 'data' | 'validation'>;
  /** Images that cannot be read. */
  unreadable?: number[];
  /** Aborts the run after as many seconds, even if it has not begun. */
  abortAfter?: number;
  /** By rank: what it does after which step; 'abortEvaluation': once it has read as many validation images. */
  faults?: Record<string, {step: number; kind: Fault | 'abortEvaluation'}>;
  /** By rank: options that only that one has. */
  others?: Record<string, Omit<Partial<RankRun>, 'others'>>;
};

export type RankOutcome = {
  losses: Record<string, number>[];
  norms: number[];
  scores: unknown[];
  ending: string;
  /** Digest of all weights, to the bit. */
  digest: Record<string, string>;
  /** The values of those that are trained: see `weightsOf()`. */
  weights: Record<string, string>;
};

/** The blobs, of which some cannot be read. `onRead` is called with the number of those that were asked for. */
function dataOf(length: number, unreadable: readonly number[] = [], onRead = (_count: number) => {}): Dataset {
  let count = 0;
  const get = async (index: number) => {
    onRead(++count);
    if (unreadable.includes(index)) throw new MaskRcnnError('INVALID_IMAGE', `blob_${index}.png is damaged.`);
    return blobSample(index);
  };
  return {...blobs(length), get};
}

async function run(given: RankRun): Promise<RankOutcome> {
  const own = given.others?.[process.env.RANK!];
  const options = {...given.options, ...own?.options};
  const {model: network, images, validation, unreadable, faults, abortAfter} = {...given, ...own};
  const fault = faults?.[process.env.RANK!];
  const controller = new AbortController();
  const onStep = ({step}: StepRecord) => {
    process.stderr.write(`step ${step}\n`);
    if (fault === undefined || fault.kind === 'abortEvaluation' || step < fault.step) return;
    if (fault.kind === 'throw') throw new Error('the disk is on fire');
    if (fault.kind === 'stop' && step === fault.step) process.kill(process.pid, 'SIGSTOP');
    if (fault.kind === 'abort') controller.abort(new Error('lunch'));
    if (fault.kind === 'dispose') model.dispose();
    if (fault.kind === 'exit') process.exit(7);
    while (fault.kind === 'hang');
  };
  if (abortAfter !== undefined) setTimeout(() => controller.abort(new Error('lunch')), abortAfter * 1000);
  const onRead = (count: number) => {
    if (fault?.kind === 'abortEvaluation' && count === fault.step) controller.abort(new Error('lunch'));
  };
  await using model = await maskRcnn({...tinyModel, ...network});
  const {history, ending} = await train(model, {
    data: dataOf(images, unreadable),
    ...(validation !== undefined && {validation: dataOf(validation, [], onRead)}),
    log: 'silent',
    signal: controller.signal,
    onStep,
    ...options,
  });
  const dict = await model.stateDict();
  return {
    losses: history.steps.map(({losses}) => losses),
    norms: history.steps.map(({gradientNorm}) => gradientNorm),
    scores: history.epochs.map(({validation}) => validation),
    ending,
    digest: Object.fromEntries(fingerprints(dict)),
    weights: weightsOf(dict, [options.freeze ?? []].flat()),
  };
}

const argument = JSON.parse(process.argv[2]!) as RankRun | RankRun[];
let outcome: RankOutcome | RankOutcome[];
if (Array.isArray(argument)) {
  outcome = [];
  for (const each of argument) outcome.push(await run(each));
} else {
  outcome = await run(argument);
}
process.stdout.write(JSON.stringify(outcome));
