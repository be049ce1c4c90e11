import {randomUUID} from 'node:crypto';
import {mkdir, rename, rm} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {versions} from '../addon/versions.js';
import {MaskRcnnError} from '../basics/errors.js';
import {count} from '../basics/wording.js';
import type {Sample} from '../datasets/dataset.js';
import {type Comparison, drawComparison, drawMosaic} from '../draw/mosaic.js';
import {writeAtomically} from '../files/atomic-file.js';
import type {FileLock} from '../files/file-lock.js';
import {makeFreeFolder} from '../files/free-folder.js';
import {BEST_WEIGHTS, EARLIER_WEIGHTS, LAST_WEIGHTS, RUN_STATE} from '../weights/run-weights.js';
import {removeReports} from './earlier-reports.js';
import {EventFile} from './event-file.js';
import type {History} from './history.js';
import {removeLeftovers} from './leftovers.js';
import {lossCurvePng, lossCurveSvg} from './loss-curves.js';
import {metricCurvePng, metricCurveSvg} from './metric-curves.js';
import {MetricsFile, type MetricsRecord, type ResumePoint, readMetrics} from './metrics-file.js';
import {resultsCsv} from './results-csv.js';
import {resumedRunId, runIdOfOptions} from './run-id.js';
import {lockRun, requireLock, unwritable} from './run-lock.js';

export type RunFolderOptions = {
  /** Resumes the run in the folder. Records in metrics.jsonl from this step and this epoch on are dropped. */
  resumeAt?: ResumePoint;
  /** The id in the state that the run resumes from. The other files of the folder must have the same or none. */
  runId?: string | undefined;
  /** The lock of the folder, if it is held already. `close()` releases it. */
  lock?: FileLock | undefined;
  /** Class names, written on the pictures if there is more than one. */
  classes?: readonly string[];
  /** Called once for each report that cannot be written. Default: emits a process warning. */
  warn?: (text: string) => void;
};

/** Score from which detections are drawn on the validation pictures. */
const SHOWN_SCORE = 0.5;

/**
 * The folder of a training run: options.json, metrics.jsonl with a line per step and per epoch, reports made from them
 * (results.csv, TensorBoard events, curves, pictures), and the checkpoints. If options or metrics cannot be written,
 * the run ends with WRITE_FAILED. If a report cannot be written, it warns once and the run continues.
 */
export class RunFolder {
  readonly path: string;
  /** Tells this run from others in the same folder. The state, metrics.jsonl and options.json all have it. */
  readonly id: string;
  /** Path of the weights after the last saved step. */
  readonly last: string;
  /** Path of the best weights. */
  readonly best: string;
  /** Path of the training state that a run resumes from. */
  readonly state: string;
  readonly #lock: FileLock;
  readonly #metrics: MetricsFile;
  readonly #history: History;
  readonly #classes: readonly string[];
  readonly #warn: (text: string) => void;
  readonly #failed = new Set<string>();
  #events: EventFile | undefined;

  private constructor(
    {path, id, lock}: {path: string; id: string; lock: FileLock},
    metrics: MetricsFile,
    history: History,
    {classes, warn}: RunFolderOptions,
  ) {
    this.path = path;
    this.id = id;
    this.#lock = lock;
    this.last = join(path, LAST_WEIGHTS);
    this.best = join(path, BEST_WEIGHTS);
    this.state = RunFolder.statePath(path);
    this.#metrics = metrics;
    this.#history = history;
    this.#classes = classes ?? [];
    this.#warn = warn ?? ((text) => process.emitWarning(text));
  }

  /**
   * Opens and locks `path`, or the first free folder of runs/train, runs/train-2, ... Without `resumeAt` it removes the
   * state of an earlier run, so that nobody resumes it by mistake, renames its weights, and then removes its metrics
   * and reports. Throws
   * INVALID_OPTION if the folder cannot be written, WRITE_FAILED if metrics.jsonl cannot be written, INVALID_DATASET if
   * it cannot be read or has broken records, INVALID_CHECKPOINT if the files of the run to resume are of different
   * runs, and BUSY if another run goes on in it.
   */
  static async open(path: string | undefined, options: RunFolderOptions = {}): Promise<RunFolder> {
    const free = join('runs', 'train');
    let lock: FileLock | undefined;
    try {
      const folder = path ?? (await makeFreeFolder(free));
      lock = options.lock ?? (await lockRun(folder));
      await removeLeftovers(folder);
      return options.resumeAt === undefined
        ? await RunFolder.#begin(folder, lock, options)
        : await RunFolder.#resume(folder, lock, options.resumeAt, options);
    } catch (cause) {
      await lock?.release();
      throw cause instanceof MaskRcnnError ? cause : unwritable(path ?? free, cause);
    }
  }

  static async #begin(path: string, lock: FileLock, options: RunFolderOptions): Promise<RunFolder> {
    await rm(RunFolder.statePath(path), {force: true});
    await setWeightsAside(path);
    await removeReports(path);
    const id = randomUUID();
    const metrics = await MetricsFile.create(join(path, 'metrics.jsonl'), id);
    const run = new RunFolder({path, id, lock}, metrics, {steps: [], epochs: []}, options);
    await run.#openEvents(0);
    return run;
  }

  static async #resume(path: string, lock: FileLock, at: ResumePoint, options: RunFolderOptions): Promise<RunFolder> {
    const file = join(path, 'metrics.jsonl');
    const id = await idToResume(path, options.runId);
    const {metrics, kept} = await MetricsFile.resume(file, at, id);
    const run = new RunFolder({path, id, lock}, metrics, kept.history, options);
    if (kept.damaged > 0) run.#warn(`${file} has ${count(kept.damaged, 'damaged line')}, left out.`);
    await run.#openEvents(at.step);
    return run;
  }

  /** Path of the training state of the run in `folder`. */
  static statePath(folder: string): string {
    return join(folder, RUN_STATE);
  }

  /** The history kept from the resumed run; empty for a new run. */
  async history(): Promise<History> {
    return {steps: [...this.#history.steps], epochs: [...this.#history.epochs]};
  }

  /** Writes options.json: `options`, the id of the run, and the versions of the package, libtorch and Node. */
  async writeOptions(options: object): Promise<void> {
    const text = JSON.stringify({...options, runId: this.id, versions: await versions()}, null, 2);
    await this.#write('options.json', `${text}\n`);
  }

  /**
   * Adds a record to metrics.jsonl and to the TensorBoard events. Call it before saving a checkpoint that includes the
   * record, so that a run resumed from the checkpoint has the record too. Throws WRITE_FAILED, and BUSY if another run
   * has taken over the folder.
   */
  async append(record: MetricsRecord): Promise<void> {
    await this.guard(() => this.#metrics.append(record));
    await this.#report('the TensorBoard events', async () => {
      try {
        await this.#events?.append(record);
      } catch (error) {
        await this.#events?.close();
        this.#events = undefined; // a partly written record makes everything after it unreadable
        throw error;
      }
    });
  }

  /**
   * Makes all records survive a power failure. Call it before saving a state: the run that resumes from it needs the
   * losses of the steps before. Throws WRITE_FAILED.
   */
  async sync(): Promise<void> {
    await this.#metrics.sync();
  }

  /**
   * Runs `write`, which writes to the folder. Throws BUSY instead if another run has taken over the folder, which may
   * also happen while `write` runs and then let it fail.
   */
  async guard<T>(write: () => Promise<T>): Promise<T> {
    await requireLock(this.path, this.#lock);
    try {
      return await write();
    } catch (error) {
      await requireLock(this.path, this.#lock);
      throw error;
    }
  }

  /**
   * Writes the curves so far: losses.svg and .png, metrics.svg and .png after the first validation, and results.csv.
   */
  async writeCurves(history: History): Promise<void> {
    await this.#file('results.csv', () => resultsCsv(history));
    await this.#file('losses.svg', () => lossCurveSvg(history));
    await this.#file('losses.png', () => lossCurvePng(history));
    if (history.epochs.every(({validation}) => validation === null)) return;
    await this.#file('metrics.svg', () => metricCurveSvg(history));
    await this.#file('metrics.png', () => metricCurvePng(history));
  }

  /**
   * Writes batches/step-N.png: the training samples of a step after augmentation, with their ground truth. `step`
   * counts from 0, N from 1.
   */
  async drawBatch(step: number, samples: readonly Sample[]): Promise<void> {
    if (samples.length === 0) return;
    await this.#file(`batches/step-${step + 1}.png`, () => drawMosaic(samples, this.#classes));
  }

  /**
   * Writes validation/epoch-N.png: ground truth next to predictions, for at most 8 images. `epoch` counts from 0, N
   * from 1.
   */
  async drawValidation(epoch: number, pictures: readonly Comparison[]): Promise<void> {
    if (pictures.length === 0) return;
    const options = {classes: this.#classes, scoreThreshold: SHOWN_SCORE};
    await this.#file(`validation/epoch-${epoch + 1}.png`, () => drawComparison(pictures, options));
  }

  async close(): Promise<void> {
    await this.#report('the TensorBoard events', async () => this.#events?.close());
    try {
      await this.#metrics.close();
    } finally {
      await this.#lock.release();
    }
  }

  async #openEvents(firstStep: number): Promise<void> {
    await this.#report('the TensorBoard events', async () => {
      this.#events = await EventFile.create(this.path, firstStep);
    });
  }

  /** Writes a report to a file. All reports in the same subfolder share one warning. */
  async #file(name: string, content: () => string | Uint8Array | Promise<Uint8Array>): Promise<void> {
    const folder = dirname(name);
    await this.#report(folder === '.' ? name : folder, async () => this.#write(name, await content()));
  }

  /** A failed report must not end the run, so it only warns. */
  async #report(name: string, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (this.#failed.has(name)) return;
      this.#failed.add(name);
      this.#warn(`Training goes on without ${name}: ${(error as Error).message}`);
    }
  }

  async #write(name: string, content: string | Uint8Array): Promise<void> {
    const path = join(this.path, name);
    await this.guard(async () => {
      await mkdir(dirname(path), {recursive: true});
      await writeAtomically(path, (file) => file.writeFile(content));
    });
  }
}

/** Until this run has weights of its own, nobody must take those of an earlier run for its. */
async function setWeightsAside(folder: string): Promise<void> {
  for (const [name, aside] of EARLIER_WEIGHTS) {
    await rename(join(folder, name), join(folder, aside)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}

/** The id of the run in `folder` whose state has the id `saved`. Throws INVALID_CHECKPOINT if another file differs. */
async function idToResume(folder: string, saved: string | undefined): Promise<string> {
  const [metrics, options] = [join(folder, 'metrics.jsonl'), join(folder, 'options.json')];
  return resumedRunId({
    state: {path: RunFolder.statePath(folder), id: saved},
    others: [
      {path: metrics, id: (await readMetrics(metrics)).runId},
      {path: options, id: await runIdOfOptions(options)},
    ],
  });
}
