import {access} from 'node:fs/promises';
import {native} from '../addon/native-errors.js';
import {MaskRcnnError} from '../basics/errors.js';
import {createProgress, type Progress} from '../basics/progress.js';
import {count} from '../basics/wording.js';
import {checkDataset, type Dataset} from '../datasets/dataset.js';
import {describeShared, sharedImages} from '../datasets/overlap.js';
import {joinGroup, type ProcessGroup} from '../distributed/process-group.js';
import {RankLog} from '../distributed/rank-log.js';
import type {FileLock} from '../files/file-lock.js';
import {tellOnce} from '../image/notices.js';
import {pixelsDifference, requireSamePixels} from '../image/pixel-options.js';
import {type MaskRcnn, openModel, reserveModel, setPixels} from '../model/model.js';
import type {History} from '../run/history.js';
import {RunFolder} from '../run/run-folder.js';
import {lockRun} from '../run/run-lock.js';
import {describeBoxesAlone} from './boxes-alone.js';
import {checkClasses, requireSameData} from './check-data.js';
import {checkSyncBatchNorm, checkTrainOptions} from './check-options.js';
import {completeTrainOptions, SGD_RATE_PER_IMAGE} from './complete-options.js';
import {type Conditions, conditionsOf} from './conditions.js';
import {TrainLog} from './log.js';
import {describeMemory} from './memory.js';
import {openLoader} from './open-loader.js';
import type {ResolvedTrainOptions, TrainOptions} from './options.js';
import {trainedNames} from './parameter-groups.js';
import {completeResumedOptions, resumeUnder} from './resume.js';
import {requireSameOptions} from './same-options.js';
import {shareState} from './share-state.js';
import {readTrainingState, type TrainingState} from './state.js';
import {type Ending, Trainer} from './trainer.js';

/** A finished run. */
export type Run = {
  /** The folder of the run with options.json, metrics.jsonl, curves, pictures and checkpoints: see docs/training.md. */
  output: string;
  /**
   * Path of the best weights by `bestBy`; of the weights at the end if no epoch has had a score. With 'loss', they are
   * only replaced together with `last`.
   */
  best: string;
  /**
   * Path of the weights at the end. During the run, this file is replaced after an epoch, including the first, unless
   * saving would take more than a twentieth of the time. Within long epochs it is replaced as `saveEveryMinutes` says.
   */
  last: string;
  history: History;
  /** What ended the run: all epochs are done, or the option of that name. */
  ending: Ending;
};

/**
 * Trains `model` on `data`. Afterwards the model has the weights of the last step, or with `ema` their average. With
 * the same seed, data and options on the same CPU, runs are identical bit for bit, even if one was interrupted and
 * resumed.
 *
 * Throws INVALID_OPTION; INVALID_DATASET if classes differ from the model's, if training and validation set read image
 * files with different options of pixels, or for an error of `data.get()`, with the
 * number of the sample; INVALID_IMAGE or INVALID_MASK for a file that cannot be read; INVALID_TARGET with the file and
 * instance; NON_FINITE_LOSS with the files of the batch, while `last` and `best` are from before it; BUSY if the model
 * is already being trained, or if another run goes on in the folder or has taken it over; DISPOSED; OUT_OF_MEMORY with
 * the largest image; GROUP_FAILED if another process of the group has ended, failed or hung; WRITE_FAILED, which leaves
 * the earlier checkpoint intact; or, after saving `last`, the reason of an aborted signal. When resuming also
 * INVALID_CHECKPOINT, and INVALID_DATASET or INVALID_OPTION if something has changed that must not.
 */
export function train(model: MaskRcnn, options: TrainOptions): Promise<Run> {
  return trainWith(model, options, {});
}

/** What another part of the package adds to a run. */
export type TrainHooks = {
  /**
   * Called with the run's folder before the run writes to it. By then, the state of an earlier run is removed unless
   * this run resumes from it. If it throws, the run ends.
   */
  onFolder?: (folder: string) => Promise<void>;
  /** Whether the caller has told already what was left out of files, and which images are in both data sets. */
  areFilesTold?: boolean;
  /** Rewords what the run says, such as the names of options. */
  wording?: (text: string) => string;
};

/** `train()` with hooks. */
export async function trainWith(model: MaskRcnn, options: TrainOptions, hooks: TrainHooks): Promise<Run> {
  checkTrainOptions(options);
  checkSyncBatchNorm(model, options);
  checkDataset(options.data, "'data'");
  if (options.validation !== undefined) checkDataset(options.validation, "'validation'");
  const group = await joinGroup(options.distributed ?? 'none', 'train()', options.signal);
  if (group === undefined) return trainIn(group, model, options, hooks);
  const isOfAll = (error: unknown) =>
    (options.signal?.aborted && error === options.signal.reason) ||
    (error instanceof MaskRcnnError && error.code === 'NON_FINITE_LOSS');
  return group.during(async () => {
    await group.useDevice(model.options.device);
    await requireSameData(group, options);
    const run = await trainIn(group, model, options, hooks);
    // Rank 0 has written everything by then.
    await group.meet();
    return run;
  }, isOfAll);
}

/** Trains by this process alone, or as one of `group`. */
async function trainIn(
  group: ProcessGroup | undefined,
  model: MaskRcnn,
  options: TrainOptions,
  hooks: TrainHooks,
): Promise<Run> {
  const {data, validation, signal} = options;
  const isFirst = group?.isFirst ?? true;
  const release = reserveModel(model, 'train()');
  try {
    signal?.throwIfAborted();
    checkClasses(model, data, 'data');
    if (validation !== undefined) {
      checkClasses(model, validation, 'validation');
      requireSamePixels(data.pixels, validation.pixels);
    }
    const lock = isFirst ? await lockToResume(options) : undefined;
    try {
      const found = lock === undefined ? undefined : await findState(model, options);
      const saved = group === undefined ? found : await shareState(group, found);
      const {masks} = model.options;
      const resolved =
        saved === undefined
          ? completeTrainOptions(options, masks, group?.size)
          : completeResumedOptions(options, saved, masks);
      if (group !== undefined) await requireSameOptions(group, model, options, resolved);
      // Rank 0 decides, since its state is the one that is gone on from.
      const prepare = async () => {
        const conditions = await conditionsOf(model, options, group?.size);
        if (saved === undefined) return {conditions, notices: [], position: undefined};
        const {state, notices} = resumeUnder(conditions, saved, options);
        return {conditions, notices, position: state.position};
      };
      const {conditions, notices, position} = await (group === undefined ? prepare() : group.fromFirst(prepare));
      const state = saved && position && {...saved, position};
      const unfreeze = await freeze(model, resolved.freeze);
      try {
        const isCompared = validation !== undefined && !hooks.areFilesTold;
        const shared = isCompared ? await sharedImages(data, validation, signal) : [];
        const memory = describeMemory(model, resolved);
        const told = [
          ...notices,
          ...describeBoxesAlone(data, masks),
          ...describeShared(shared),
          ...(memory === undefined ? [] : [memory]),
          ...(Object.keys(model.pixels).length === 0 ? [] : pixelsDifference(model.pixels, data.pixels)),
        ];
        setPixels(model, data.pixels ?? {});
        return await runTraining(model, options, {resolved, state, conditions, notices: told, hooks, lock, group});
      } finally {
        await unfreeze();
      }
    } finally {
      await lock?.release();
    }
  } finally {
    release();
  }
}

/** What `train()` has found out and taken before it opens the folder. */
type Prepared = {
  resolved: ResolvedTrainOptions;
  state: TrainingState | undefined;
  conditions: Conditions;
  /** What to tell before the first step. */
  notices: readonly string[];
  hooks: TrainHooks;
  lock: FileLock | undefined;
  group: ProcessGroup | undefined;
};

async function runTraining(
  model: MaskRcnn,
  given: TrainOptions,
  {resolved: options, state, conditions, notices, hooks, lock, group}: Prepared,
): Promise<Run> {
  const isFirst = group?.isFirst ?? true;
  const rankLog = group === undefined || isFirst ? undefined : new RankLog(group.rank);
  const progress =
    given.log === 'silent' ? undefined : reworded(createProgress(rankLog && {stream: rankLog}), hooks.wording);
  const say = (text: string) => progress?.say(text);
  const tellFiles = hooks.areFilesTold ? () => {} : tellOnce(say);
  const loader = await openLoader(model, given, options, {say, tellFiles, group});
  const log = new TrainLog(progress, {
    epochs: options.epochs,
    stepsPerEpoch: Math.ceil(loader.length / options.accumulate),
    imagesPerStep: options.batchSize * options.processes * options.accumulate,
  });
  try {
    const open = () =>
      RunFolder.open(given.output, {
        classes: model.classes,
        warn: (text) => log.say(text),
        lock,
        ...(state && {resumeAt: state.position, runId: state.runId}),
      });
    const folder = isFirst ? await open() : undefined;
    try {
      const describe = async () => {
        const {path, best, last} = folder!;
        await hooks.onFolder?.(path);
        await folder!.writeOptions({model: model.options, classes: model.classes, train: options});
        return {path, best, last, history: await folder!.history()};
      };
      const {path, best, last, history} = await (group === undefined ? describe() : group.fromFirst(describe));
      await rankLog?.openIn(path);
      log.say(describeRun(given.data, loader.length, options, path));
      if (state !== undefined) log.say(`Going on from step ${state.position.step + 1}.`);
      for (const notice of notices) log.say(notice);
      const parts = {model, given, options, loader, folder, history, log, tellFiles, conditions, state, group};
      const trainer = await Trainer.create(parts);
      const ending = await trainer.run();
      return {output: path, best, last, history: trainer.history, ending};
    } finally {
      await folder?.close();
    }
  } finally {
    log.close();
    await rankLog?.close();
  }
}

function reworded(progress: Progress, wording = (text: string) => text): Progress {
  return {...progress, say: (text) => progress.say(wording(text))};
}

/**
 * Locks the folder of a run that may be resumed, so that its state cannot change after it was read; undefined for a new
 * run. Throws INVALID_CHECKPOINT if there must be a state and is none, and BUSY.
 */
async function lockToResume({resume = false, output}: TrainOptions): Promise<FileLock | undefined> {
  if (resume === false || output === undefined) return undefined;
  const path = RunFolder.statePath(output);
  if (resume === 'auto' || (await isThere(path))) return lockRun(output);
  throw new MaskRcnnError('INVALID_CHECKPOINT', `${path} must be there for a run to be resumed, and is not.`, {
    file: path,
    hint: "It is first saved after the first epoch, or saveEveryMinutes; resume: 'auto' begins anew where it is missing.",
  });
}

/** The state to resume from, or undefined for a new run. Throws INVALID_CHECKPOINT. */
async function findState(model: MaskRcnn, {output}: TrainOptions): Promise<TrainingState | undefined> {
  const path = RunFolder.statePath(output!);
  return (await isThere(path)) ? readTrainingState(path, model) : undefined;
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Excludes the parameters that `items` name from training. The returned function undoes this. */
async function freeze(model: MaskRcnn, items: readonly string[]): Promise<() => Promise<void>> {
  const parameters = model.parameters();
  const trained = trainedNames(parameters, items);
  if (items.length === 0) return async () => {};
  const before = trainedNames(parameters, []);
  await native(() => openModel(model).setTrainable(trained));
  return async () => {
    // A model that has been disposed has nothing to restore.
    await native(() => openModel(model).setTrainable(before)).catch(() => {});
  };
}

/** The message shows how the learning rate was computed, because that is what users most often need to change. */
function describeRun(data: Dataset, batches: number, options: ResolvedTrainOptions, output: string): string {
  const {epochs, batchSize, processes, accumulate, optimizer, lr, warmup, schedule, balance} = options;
  const images = batchSize * processes * accumulate;
  const steps = Math.ceil(batches / accumulate);
  const isDefault = optimizer.type === 'sgd' && lr === SGD_RATE_PER_IMAGE * images;
  const rate = isDefault ? `${lr} (${SGD_RATE_PER_IMAGE} × ${count(images, 'image')})` : `${lr}`;
  const about = balance === 'none' ? '' : 'about ';
  const size = processes === 1 ? `${batchSize}` : `${batchSize} × ${count(processes, 'process', 'processes')}`;
  const batch = accumulate === 1 ? `batches of ${size}` : `${accumulate} batches of ${size} each`;
  return (
    `Training on ${count(data.length, 'image')}: ${count(epochs, 'epoch')} of ${about}${count(steps, 'step')}, ${batch}. ` +
    `${optimizer.type === 'sgd' ? 'SGD' : 'AdamW'} at rate ${rate}, ${count(warmup, 'step')} of warm-up, then ${schedule.type}. ` +
    `Everything goes to ${output}.`
  );
}
