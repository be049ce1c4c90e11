import type {TrainOptions} from '../../lib/index.js';
import {blobs} from '../tiny.js';

/**
 * A run of 3 epochs of 4 steps, of two batches each except the last, that uses everything a training state has to
 * store. The largest parts of the network are frozen to keep it small, and it is saved after every step.
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
    freeze: ['backbone.body', 'roi_heads.box_head'],
    augment: 'flips',
    saveEveryMinutes: 1e-6,
    seed: 3,
    output,
    log: 'silent',
  };
}
