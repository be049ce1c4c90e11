import {type FileHandle, open, readFile} from 'node:fs/promises';
import {writeAtomically, writeFailed} from '../files/atomic-file.js';
import type {EpochRecord, History, StepRecord} from './history.js';

/** A line of metrics.jsonl. */
export type MetricsRecord = ({type: 'step'} & StepRecord) | ({type: 'epoch'} & EpochRecord);

/** Where a run goes on: the next step and the epoch it belongs to, both counted from 0. */
export type ResumePoint = {step: number; epoch: number};

/** What was kept of an earlier run, and how many lines before the last could not be read. */
export type KeptMetrics = {history: History; damaged: number};

/** metrics.jsonl: a line per step and per epoch, each written as it happens. Numbers that are not finite become null. */
export class MetricsFile {
  readonly #path: string;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Begins `path` anew. System errors are thrown as they are. */
  static async create(path: string): Promise<MetricsFile> {
    return new MetricsFile(path, await open(path, 'w'));
  }

  /**
   * Opens `path` to go on, without what was recorded from `point` on: those steps will be taken again.
   */
  static async resume(path: string, point: ResumePoint): Promise<{metrics: MetricsFile; kept: KeptMetrics}> {
    const {lines, ...kept} = await readMetrics(path, point);
    await writeAtomically(path, (file) => file.writeFile(lines.join('')));
    return {metrics: new MetricsFile(path, await open(path, 'a')), kept};
  }

  /** Throws WRITE_FAILED. */
  async append(record: MetricsRecord): Promise<void> {
    try {
      await this.#file.appendFile(`${JSON.stringify(record)}\n`);
      if (record.type === 'epoch') await this.#file.datasync();
    } catch (error) {
      throw writeFailed(this.#path, error, 'The run can be resumed from its last checkpoint.');
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/**
 * Reads metrics.jsonl up to `point`, or all of it, and returns with it the lines that count. A last line that was torn by a
 * kill is dropped; a file that is absent is empty.
 */
export async function readMetrics(
  path: string,
  point: ResumePoint = {step: Infinity, epoch: Infinity},
): Promise<KeptMetrics & {lines: string[]}> {
  const kept: KeptMetrics & {lines: string[]} = {history: {steps: [], epochs: []}, damaged: 0, lines: []};
  const lines = (await readIfPresent(path)).split('\n');
  for (const [index, line] of lines.entries()) {
    const record = parse(line);
    if (record === undefined) {
      if (index < lines.length - 1) kept.damaged++;
    } else if (record.type === 'step' ? record.step < point.step : record.epoch < point.epoch) {
      const {type, ...rest} = record;
      if (type === 'step') kept.history.steps.push(rest as StepRecord);
      else kept.history.epochs.push(rest as EpochRecord);
      kept.lines.push(`${line}\n`);
    }
  }
  return kept;
}

async function readIfPresent(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** The record of a line, or undefined where it is none. */
function parse(line: string): MetricsRecord | undefined {
  let record: MetricsRecord;
  try {
    record = JSON.parse(line, (name, value) => (value === null && isLoss(name) ? Number.NaN : value));
  } catch {
    return undefined;
  }
  const isStep = record?.type === 'step' && Number.isInteger(record.step);
  const isEpoch = record?.type === 'epoch' && Number.isInteger(record.epoch);
  return isStep || isEpoch ? record : undefined;
}

/** JSON has no NaN: a loss that was not finite is null in the file, and a number again afterwards. */
function isLoss(name: string): boolean {
  return name === 'loss' || name === 'gradientNorm' || name.startsWith('loss_');
}
