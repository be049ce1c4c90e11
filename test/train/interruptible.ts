import type {TrainOptions} from '../../lib/index.js';
import {blobs} from '../tiny.js';

/**
 * A run of 3 epochs of 4 steps, of two batches each but for the last, with everything that a state has to keep; saved as
 * often as can be.
 */
export function interruptible(output: string): TrainOptions {
  return {
    data: blobs(14),
    validation: blobs(4),
    epochs: 3,
    batchSize: 2,
    accumulate: 2,
    optimizer: 'adamw',
    lr: 0.001,
    schedule: 'one-cycle',
    ema: {decay: 0.9},
    augment: 'flips',
    saveEveryMinutes: 1e-6,
    seed: 3,
    output,
    log: 'silent',
  };
}
