import type {Progress} from '../basics/progress.js';
import {formatDuration, formatMemory} from '../basics/wording.js';
import {headlines} from '../run/headlines.js';
import type {EpochRecord, StepRecord} from '../run/history.js';

/** Number of steps over which the shown loss and times are averaged (torchvision's MetricLogger also uses 20). */
const WINDOW = 20;

export type TrainLogOptions = {
  epochs: number;
  /** The mean, if epochs differ in length. */
  stepsPerEpoch: number;
  /** Number of images per step; if undefined, images per second are not shown. */
  imagesPerStep?: number;
  /** A monotonic clock in milliseconds. */
  now?: () => number;
  /** Memory of the process in bytes. */
  memory?: () => number;
};

/** Shows the progress of a run to the user. */
export class TrainLog {
  readonly #progress: Progress | undefined;
  readonly #options: TrainLogOptions;
  readonly #now: () => number;
  readonly #memory: () => number;
  #recent: StepRecord[] = [];
  /** Seconds spent on the steps of the current epoch so far. */
  #stepSeconds = 0;
  /** For each epoch so far, the seconds spent outside of its steps: on evaluation, pictures and checkpoints. */
  readonly #overheads: number[] = [];
  #validation: {epoch: number; done: number; at: number} | undefined;

  /** Without `progress`, nothing is shown. */
  constructor(progress: Progress | undefined, options: TrainLogOptions) {
    this.#progress = progress;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#memory = options.memory ?? (() => process.memoryUsage.rss());
  }

  say(text: string): void {
    this.#progress?.say(text);
  }

  /** Shows a step. `place`: which step of how many of its epoch it is, counted from 1, if epochs differ in length. */
  step(record: StepRecord, place?: {done: number; total: number}): void {
    const {epochs, stepsPerEpoch, imagesPerStep} = this.#options;
    const {done, total} = place ?? {done: (record.step % stepsPerEpoch) + 1, total: stepsPerEpoch};
    this.#recent = [...this.#recent.slice(1 - WINDOW), record];
    this.#stepSeconds += record.seconds;
    const recent = (of: (step: StepRecord) => number) => mean(this.#recent.map(of));
    const seconds = recent((step) => step.seconds);
    const overhead = this.#overheads.length === 0 ? 0 : mean(this.#overheads);
    const steps = (epochs - record.epoch - 1) * stepsPerEpoch + total - done;
    const rest = steps * seconds + (epochs - record.epoch) * overhead;
    this.#progress?.update({
      label: this.#name(record.epoch),
      done,
      total,
      unit: 'count',
      notes: [
        `loss ${recent((step) => step.loss).toFixed(3)}`,
        `rate ${record.lr.toPrecision(2)}`,
        `${formatDuration(rest)} to go`,
        `${seconds.toFixed(2)} s/step`,
        `data ${recent((step) => step.dataSeconds).toFixed(2)} s`,
        ...(imagesPerStep === undefined ? [] : [`${(imagesPerStep / seconds).toFixed(1)} images/s`]),
        formatMemory(this.#memory()),
      ],
    });
  }

  evaluating(epoch: number, done: number, total: number): void {
    const at = this.#now();
    if (this.#validation?.epoch !== epoch) this.#validation = {epoch, done, at};
    const began = this.#validation;
    const seconds = (at - began.at) / 1000 / (done - began.done);
    this.#progress?.update({
      label: `${this.#name(epoch)}, validation`,
      done,
      total,
      unit: 'count',
      notes: [
        // It is not known when the first image started, so there is no estimate yet.
        ...(done > began.done
          ? [`${formatDuration((total - done) * seconds)} to go`, `${seconds.toFixed(2)} s/image`]
          : []),
        formatMemory(this.#memory()),
      ],
    });
  }

  epoch({epoch, loss, seconds, validation, validationSeconds}: EpochRecord): void {
    this.#overheads.push(Math.max(0, seconds - this.#stepSeconds));
    this.#stepSeconds = 0;
    const cost = validationSeconds === undefined ? '' : ` (validation ${formatDuration(validationSeconds)})`;
    const told = headlines(validation).map(({name, value}) => `${name} ${value.toFixed(3)}`);
    this.say(
      [`${this.#name(epoch)}: loss ${loss.toFixed(3)}`, ...told, `${formatDuration(seconds)}${cost}`].join(', '),
    );
  }

  close(): void {
    this.#progress?.close();
  }

  #name(epoch: number): string {
    return `epoch ${epoch + 1}/${this.#options.epochs}`;
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
