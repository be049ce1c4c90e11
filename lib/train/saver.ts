import {join} from 'node:path';
import type {Optimizer} from '../../binding.js';
import {native} from '../addon/native-errors.js';
import {writeModel} from '../model/checkpoint.js';
import {openModel} from '../model/model.js';
import {isBetter, scoreOf, tieBreakOf} from '../run/best.js';
import type {EpochRecord} from '../run/history.js';
import type {StateDict} from '../weights/state-dict.js';
import type {MovingAverage} from './average.js';
import {type Position, type TrainingState, writeTrainingState} from './state.js';
import type {TrainerParts} from './trainer-parts.js';

/**
 * Largest fraction of the time that saving `last` may take, so that not every short epoch saves it. A state with
 * AdamW's moments is four times as large as the weights.
 */
const LARGEST_SAVING_SHARE = 0.05;

type Run = {
  parts: TrainerParts;
  optimizer: Optimizer;
  average: MovingAverage;
  /** Shared with the trainer, which updates it, except for the best score and the seconds. */
  position: Position;
  /** When the run would have started without interruptions, in milliseconds. */
  began: number;
};

/** Writes the checkpoints of a run. */
export class Saver {
  readonly #run: Run;
  /** When `last` was saved and how long that took, in milliseconds. */
  #saved = {at: performance.now(), took: 0};

  constructor(run: Run) {
    this.#run = run;
  }

  /** Milliseconds since `last` was saved. */
  get sinceLast(): number {
    return performance.now() - this.#saved.at;
  }

  /**
   * Saves `best` if this epoch is better than all before, a copy if one is due, and `last` unless saving takes too
   * long.
   */
  async saveEpoch(record: EpochRecord, isEnd: boolean): Promise<void> {
    const {average, position} = this.#run;
    const {options, folder, model} = this.#run.parts;
    const {epoch, bestScore, bestTieBreak} = position;
    const isLastDue = isEnd || epoch === options.epochs || !this.#isSavedLately();
    const score = scoreOf(record, options.bestBy);
    // The training loss improves in almost every epoch, and an epoch without evaluation may be short. So with 'loss',
    // save `best` only when `last` is saved.
    const isWorthIt = options.bestBy !== 'loss' || isLastDue;
    const tieBreak = tieBreakOf(record);
    const isBest = score !== null && isBetter([score, tieBreak], [bestScore, bestTieBreak]) && isWorthIt;
    const isCopyDue = options.saveEvery !== null && (record.epoch + 1) % options.saveEvery === 0;
    if (!isBest && !isLastDue && !isCopyDue) return;
    const weights = await average.during(() => model.stateDict());
    if (isCopyDue) await writeModel(join(folder.path, `epoch-${record.epoch + 1}.safetensors`), weights, model);
    if (isBest) {
      await writeModel(folder.best, weights, model);
      Object.assign(position, {bestScore: score, bestTieBreak: tieBreak});
    }
    if (isLastDue) await this.saveLast(weights);
  }

  /** Saves the training state, then `last`, which has the weights to use. */
  async saveLast(weights?: StateDict): Promise<void> {
    const {optimizer, average, position} = this.#run;
    const {model, options, folder, given} = this.#run.parts;
    const began = performance.now();
    position.seconds = (began - this.#run.began) / 1000;
    const shown = weights ?? (await average.during(() => model.stateDict()));
    const state: TrainingState = {
      model: average.isOn ? await model.stateDict() : shown,
      optimizer: await native(() => optimizer.stateDict()),
      samplers: await native(() => openModel(model).randomState()),
      position,
      options,
      images: given.data.length,
      runId: folder.id,
    };
    await writeTrainingState(folder.state, state, model);
    await writeModel(folder.last, shown, model);
    const at = performance.now();
    this.#saved = {at, took: at - began};
  }

  #isSavedLately(): boolean {
    return this.sinceLast * LARGEST_SAVING_SHARE < this.#saved.took;
  }
}
