import {toAugmentation} from './augment/presets.js';
import {resolveTrainOptions} from './complete-train-options.js';
import type {Dataset} from './datasets/sample.js';
import {MaskRcnnError} from './errors.js';
import type {History} from './history.js';
import {createLoader} from './loader.js';
import {type MaskRcnn, openModel, reserveModel} from './model.js';
import {createProgress} from './progress.js';
import {RunFolder} from './run-folder.js';
import {TrainLog} from './train-log.js';
import type {ResolvedTrainOptions, TrainOptions} from './train-options.js';
import {Trainer} from './trainer.js';

/** A run that has ended. */
export type Run = {
  /** Its folder: options.json, metrics.jsonl, losses.svg and .png, and the checkpoints. */
  output: string;
  /** Path of the weights that did best: by pixel IoU on the validation data, or else by training loss where `last` was saved. */
  best: string;
  /**
   * Path of the weights after the last epoch. During the run it is replaced after an epoch, the first one included, unless
   * saving would take more than a twentieth of the time.
   */
  last: string;
  history: History;
};

/**
 * Trains `model` on `data`; it then has the weights of the last epoch. With the same seed, data and options on the same CPU the
 * run is the same bit for bit.
 *
 * Throws INVALID_OPTION; INVALID_DATASET for classes that are not the model's; what `data.get()` throws; INVALID_TARGET with
 * file and instance; NON_FINITE_LOSS with the files of the batch, `last` and `best` being from before it; BUSY while the
 * model is being trained; DISPOSED; OUT_OF_MEMORY; WRITE_FAILED; or, after `last` was saved, the reason of an aborted signal.
 */
export async function train(model: MaskRcnn, options: TrainOptions): Promise<Run> {
  const resolved = resolveTrainOptions(options);
  const {data, validation, signal} = options;
  const release = reserveModel(model, 'train()');
  try {
    signal?.throwIfAborted();
    checkClasses(model, data, 'data');
    if (validation !== undefined) checkClasses(model, validation, 'validation');
    const loader = createLoader(data, {
      batchSize: resolved.batchSize,
      seed: resolved.seed,
      augment: toAugmentation(options.augment ?? 'hflip'),
      ...(signal && {signal}),
    });
    const folder = await RunFolder.open(options.output);
    const log = new TrainLog(options.log === 'silent' ? undefined : createProgress(), {
      epochs: resolved.epochs,
      stepsPerEpoch: loader.length,
    });
    try {
      await folder.writeOptions({model: model.options, classes: model.classes, train: resolved});
      log.say(describeRun(data, loader.length, resolved, folder.path));
      const trainer = await Trainer.create({model, given: options, options: resolved, loader, folder, log});
      await trainer.run();
      return {output: folder.path, best: folder.best, last: folder.last, history: trainer.history};
    } finally {
      log.close();
      await folder.close();
    }
  } finally {
    release();
  }
}

/** A model with numbered classes takes any names. */
function checkClasses(model: MaskRcnn, {classes, length}: Dataset, option: 'data' | 'validation'): void {
  openModel(model);
  if (length === 0) throw new MaskRcnnError('INVALID_DATASET', `'${option}' must have at least one image, got none.`);
  const isNumbered = model.classes.every((name, index) => name === String(index + 1));
  const fits = isNumbered || classes.every((name, index) => name === model.classes[index]);
  if (fits && classes.length === model.classes.length) return;
  throw new MaskRcnnError(
    'INVALID_DATASET',
    `'${option}' must have the model's classes ${list(model.classes)}, in this order, got ${list(classes)}.`,
    {hint: 'Make the model with maskRcnn({classes: data.classes}).'},
  );
}

function list(classes: readonly string[]): string {
  const more = classes.length > 8 ? `, ... ${classes.length} in all` : '';
  return `[${classes.slice(0, 8).join(', ')}${more}]`;
}

/** The rule by which the rate was chosen belongs to what is said: it is what most often has to be changed. */
function describeRun(data: Dataset, steps: number, options: ResolvedTrainOptions, output: string): string {
  const {epochs, batchSize, optimizer, lr, warmup, schedule} = options;
  const rate = optimizer.type === 'sgd' && lr === 0.0025 * batchSize ? `${lr} (0.0025 × batch size)` : `${lr}`;
  return (
    `Training on ${data.length} images: ${epochs} epochs of ${steps} steps, batches of ${batchSize}. ` +
    `${optimizer.type === 'sgd' ? 'SGD' : 'AdamW'} at rate ${rate}, ${warmup} steps of warm-up, then ${schedule.type}. ` +
    `Everything goes to ${output}.`
  );
}
