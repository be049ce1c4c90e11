import {type FileHandle, open, readFile} from 'node:fs/promises';
import {writeAtomically, writeFailed} from '../files/atomic-file.js';
import type {EpochRecord, History, StepRecord} from './history.js';

/** A line of metrics.jsonl. */
export type MetricsRecord = ({type: 'step'} & StepRecord) | ({type: 'epoch'} & EpochRecord);

/** Where a run resumes: the next step and its epoch, both counted from 0. */
export type ResumePoint = {step: number; epoch: number};

/** The records that were kept of an earlier run, and how many lines before the last one were unreadable. */
export type KeptMetrics = {history: History; damaged: number};

/** metrics.jsonl: one line per step and per epoch, written immediately. Numbers that are not finite become null. */
export class MetricsFile {
  readonly #path: string;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Creates or empties `path`. Throws system errors unchanged. */
  static async create(path: string): Promise<MetricsFile> {
    return new MetricsFile(path, await open(path, 'w'));
  }

  /** Opens `path` to append to it and drops the records from `point` on, because those steps will be repeated. */
  static async resume(path: string, point: ResumePoint): Promise<{metrics: MetricsFile; kept: KeptMetrics}> {
    const {lines, ...kept} = await readMetrics(path, point);
    await writeAtomically(path, (file) => file.writeFile(lines.join('')));
    return {metrics: new MetricsFile(path, await open(path, 'a')), kept};
  }

  /** Appends a line. Throws WRITE_FAILED. */
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
 * Reads metrics.jsonl up to `point`, or all of it, and returns the records and their lines. Drops a last line that was
 * cut off when the process was killed. A missing file counts as empty.
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

/** The record in a line, or undefined if the line is not a record. */
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

/** JSON has no NaN: a loss that is not finite is null in the file and becomes NaN again when read. */
function isLoss(name: string): boolean {
  return name === 'loss' || name === 'gradientNorm' || name.startsWith('loss_');
}
