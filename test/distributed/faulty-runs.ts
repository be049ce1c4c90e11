import {join} from 'node:path';
import test from 'ava';
import type {RankRun} from './train-rank.js';

export const PROGRAM = 'test/distributed/train-rank.ts';

/** Makes runs of the tiny network that would take long, for faults to end them. They write to `folder()`. */
export const runsIn =
  (folder: () => string) =>
  (name: string, options: Partial<RankRun['options']> = {}, faults: RankRun['faults'] = {}): RankRun => ({
    images: 8,
    faults,
    options: {
      epochs: 100,
      batchSize: 1,
      warmup: 0,
      freeze: ['backbone.body', 'roi_heads.box_head'],
      distributed: 'auto',
      ...options,
      output: join(folder(), name),
    },
  });

/** The message of the error that a process has ended with. */
export const lastError = (text: string) => /MaskRcnnError: (.*)/.exec(text)?.[1];

/** A test of signals or of /proc. */
export const ifLinux = process.platform === 'linux' ? test.serial : test.serial.skip;
