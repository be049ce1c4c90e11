import type {EpochRecord, StepRecord} from './history.js';
import type {Progress} from './progress.js';

/** Steps that the loss, the time and the rest shown are averaged over (torchvision's MetricLogger takes 20 too). */
const WINDOW = 20;

/** What a run tells the person who waits for it. */
export class TrainLog {
  readonly #progress: Progress | undefined;
  readonly #epochs: number;
  readonly #stepsPerEpoch: number;
  #recent: StepRecord[] = [];

  /** Without `progress` nothing is told. */
  constructor(progress: Progress | undefined, {epochs, stepsPerEpoch}: {epochs: number; stepsPerEpoch: number}) {
    this.#progress = progress;
    this.#epochs = epochs;
    this.#stepsPerEpoch = stepsPerEpoch;
  }

  say(text: string): void {
    this.#progress?.say(text);
  }

  step(record: StepRecord): void {
    this.#recent = [...this.#recent.slice(1 - WINDOW), record];
    const mean = (of: (step: StepRecord) => number) =>
      this.#recent.reduce((sum, step) => sum + of(step), 0) / this.#recent.length;
    const seconds = mean((step) => step.seconds);
    const rest = this.#epochs * this.#stepsPerEpoch - record.step - 1;
    this.#progress?.update({
      label: this.#name(record.epoch),
      done: (record.step % this.#stepsPerEpoch) + 1,
      total: this.#stepsPerEpoch,
      unit: 'count',
      note:
        `loss ${mean((step) => step.loss).toFixed(3)}, rate ${record.lr.toPrecision(2)}, ` +
        `${seconds.toFixed(2)} s/step (data ${mean((step) => step.dataSeconds).toFixed(2)}), ` +
        `${formatDuration(rest * seconds)} to go`,
    });
  }

  evaluating(epoch: number, done: number, total: number): void {
    this.#progress?.update({label: `${this.#name(epoch)}, validation`, done, total, unit: 'count'});
  }

  epoch({epoch, loss, seconds, validation}: EpochRecord): void {
    const scores = validation?.pixel.mean;
    const scored = scores ? `, pixel IoU ${scores.iou.toFixed(3)}, F1 ${scores.f1.toFixed(3)}` : '';
    this.say(`${this.#name(epoch)}: loss ${loss.toFixed(3)}${scored}, ${formatDuration(seconds)}`);
  }

  close(): void {
    this.#progress?.close();
  }

  #name(epoch: number): string {
    return `epoch ${epoch + 1}/${this.#epochs}`;
  }
}

/** '4 s', '3:07 min', '2:05 h'. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [value, unit] = whole < 3600 ? [whole, 'min'] : [Math.floor(whole / 60), 'h'];
  return `${Math.floor(value / 60)}:${String(value % 60).padStart(2, '0')} ${unit}`;
}
