import {type FileHandle, mkdir, open} from 'node:fs/promises';
import {join} from 'node:path';
import {writeAtomically} from './atomic-file.js';
import {MaskRcnnError} from './errors.js';
import type {EpochRecord, History, StepRecord} from './history.js';
import {lossCurvePng, lossCurveSvg} from './report/curves.js';

/**
 * The folder of a training run: options.json, metrics.jsonl with a line per step and per epoch, the loss curve, and the
 * checkpoints.
 */
export class RunFolder {
  readonly path: string;
  /** Weights after the last step that was saved. */
  readonly last: string;
  /** Weights that did best. */
  readonly best: string;
  /** Everything that training goes on from. */
  readonly state: string;
  readonly #metrics: FileHandle;

  private constructor(path: string, metrics: FileHandle) {
    this.path = path;
    this.last = join(path, 'last.safetensors');
    this.best = join(path, 'best.safetensors');
    this.state = join(path, 'last.state.safetensors');
    this.#metrics = metrics;
  }

  /** Makes `path`, or the first free of runs/train, runs/train-2, ... Throws INVALID_OPTION where it cannot be written. */
  static async open(path: string | undefined): Promise<RunFolder> {
    const folder = path ?? (await makeFreeFolder(join('runs', 'train')));
    try {
      await mkdir(folder, {recursive: true});
      return new RunFolder(folder, await open(join(folder, 'metrics.jsonl'), 'w'));
    } catch (cause) {
      throw new MaskRcnnError(
        'INVALID_OPTION',
        `Option 'output' of train() must be a folder that can be written, got '${folder}' (${(cause as Error).message}).`,
        {file: folder, cause},
      );
    }
  }

  async writeOptions(options: object): Promise<void> {
    await this.#write('options.json', `${JSON.stringify(options, null, 2)}\n`);
  }

  /** Draws the course so far as losses.svg and losses.png. */
  async writeCurves(history: History): Promise<void> {
    await this.#write('losses.svg', lossCurveSvg(history));
    await this.#write('losses.png', await lossCurvePng(history));
  }

  async append(record: ({type: 'step'} & StepRecord) | ({type: 'epoch'} & EpochRecord)): Promise<void> {
    await this.#metrics.appendFile(`${JSON.stringify(record)}\n`);
  }

  async close(): Promise<void> {
    await this.#metrics.close();
  }

  async #write(name: string, content: string | Uint8Array): Promise<void> {
    await writeAtomically(join(this.path, name), (file) => file.writeFile(content));
  }
}

/** `mkdir` makes a name for one process only, so that runs that start together do not share a folder. */
async function makeFreeFolder(stem: string): Promise<string> {
  await mkdir(join(stem, '..'), {recursive: true});
  for (let number = 1; ; number++) {
    const folder = number === 1 ? stem : `${stem}-${number}`;
    try {
      await mkdir(folder);
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
