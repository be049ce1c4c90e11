import type {Optimizer} from '../../binding.js';
import {native} from '../addon/native-errors.js';
import type {ResolvedTrainOptions} from './options.js';

/**
 * The moving average of the weights, if `ema` is on. It follows the weights closely at first: the decay of step t,
 * counted from 0, is at most (1 + t) / (10 + t), as in TensorFlow's ExponentialMovingAverage with num_updates.
 */
export class MovingAverage {
  readonly #optimizer: Optimizer;
  readonly #ema: ResolvedTrainOptions['ema'];

  constructor(optimizer: Optimizer, ema: ResolvedTrainOptions['ema']) {
    this.#optimizer = optimizer;
    this.#ema = ema;
  }

  get isOn(): boolean {
    return this.#ema !== false;
  }

  async update(step: number): Promise<void> {
    if (this.#ema === false) return;
    const decay = Math.min(this.#ema.decay, (1 + step) / (10 + step));
    await native(() => this.#optimizer.updateAverage(decay));
  }

  /** Runs `work` while the model uses the averages as its weights. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    await this.swap();
    try {
      return await work();
    } finally {
      await this.swap();
    }
  }

  /** Swaps the weights and the averages. */
  async swap(): Promise<void> {
    if (this.isOn) await native(() => this.#optimizer.swapAverage());
  }
}
