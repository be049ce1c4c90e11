import {join} from 'node:path';
import type {Optimizer} from '../../binding.js';
import {native} from '../addon/native-errors.js';
import {writeModel} from '../model/checkpoint.js';
import type {RunFolder} from '../run/run-folder.js';
import type {StateDict} from '../weights/state-dict.js';
import type {MovingAverage} from './average.js';
import {type Position, type TrainingState, writeTrainingState} from './state.js';
import type {TrainerParts} from './trainer-parts.js';

/**
 * Largest fraction of the time that saving `last` may take, so that not every short epoch saves it. With AdamW's two
 * moments, the state is three times as large as the weights, and four times with `ema`.
 */
const LARGEST_SAVING_SHARE = 0.05;

type Run = {
  parts: TrainerParts;
  folder: RunFolder;
  optimizer: Optimizer;
  average: MovingAverage;
  /** Shared with the trainer, which updates it, except for the seconds. */
  position: Position;
  /** When the run would have started without interruptions, in milliseconds. */
  began: number;
};

/** Writes the checkpoints of a run. */
export class Saver {
  readonly #run: Run;
  /** When `last` was saved and how long that took, in milliseconds. */
  #saved = {at: performance.now(), took: 0};
  /** The best weights, as long as they are not written. */
  #best: StateDict | undefined;

  constructor(run: Run) {
    this.#run = run;
  }

  /** Milliseconds since `last` was saved. */
  get sinceLast(): number {
    return performance.now() - this.#saved.at;
  }

  /**
   * Saves `best` if this epoch is better than all before, a copy if one is due, and `last` at the end and otherwise
   * unless saving takes too long. A run that ends before any epoch has had a score gets the weights of its end as
   * `best`.
   */
  async saveEpoch(epoch: number, {isBest, isEnd}: {isBest: boolean; isEnd: boolean}): Promise<void> {
    const {average, position} = this.#run;
    const {folder} = this.#run;
    const {options, model} = this.#run.parts;
    const isLastDue = isEnd || !this.#isSavedLately();
    const isCopyDue = options.saveEvery !== null && (epoch + 1) % options.saveEvery === 0 && position.epoch > epoch;
    if (!isBest && !isLastDue && !isCopyDue) return;
    const weights = await average.during(() => model.stateDict());
    if (isCopyDue) await this.#write(join(folder.path, `epoch-${epoch + 1}.safetensors`), weights);
    if (isBest || (isEnd && position.bestScore === null)) this.#best = weights;
    // The training loss improves in almost every epoch, and an epoch without evaluation may be short. So with 'loss',
    // `best` is written together with `last`.
    if (options.bestBy !== 'loss') await this.#writeBest();
    if (isLastDue) await this.saveLast(weights);
  }

  /**
   * Saves `best` if it is not written yet, then the training state, then `last`, which has the weights to use. The
   * state names the best score, so it must not be there before the weights that have it.
   */
  async saveLast(weights?: StateDict): Promise<void> {
    const {optimizer, average, position} = this.#run;
    const {folder} = this.#run;
    const {model, options, given, conditions} = this.#run.parts;
    const began = performance.now();
    await this.#writeBest();
    position.seconds = (began - this.#run.began) / 1000;
    const shown = weights ?? (await average.during(() => model.stateDict()));
    const state: TrainingState = {
      model: average.isOn ? await model.stateDict() : shown,
      optimizer: await native(() => optimizer.stateDict()),
      position,
      options,
      images: given.data.length,
      runId: folder.id,
      conditions,
    };
    await folder.sync();
    await folder.guard(() => writeTrainingState(folder.state, state, model));
    await this.#write(folder.last, shown);
    const at = performance.now();
    this.#saved = {at, took: at - began};
  }

  async #writeBest(): Promise<void> {
    if (this.#best === undefined) return;
    await this.#write(this.#run.folder.best, this.#best);
    this.#best = undefined;
  }

  async #write(path: string, weights: StateDict): Promise<void> {
    const {
      folder,
      parts: {model},
    } = this.#run;
    await folder.guard(() => writeModel(path, weights, model));
  }

  #isSavedLately(): boolean {
    return this.sinceLast * LARGEST_SAVING_SHARE < this.#saved.took;
  }
}
