import {type FileHandle, open, readFile} from 'node:fs/promises';
import {writeAtomically, writeFailed} from '../files/atomic-file.js';
import type {EpochRecord, History, StepRecord} from './history.js';

/** The first line of metrics.jsonl: the run that the other lines belong to. Files of older versions have none. */
type RunLine = {type: 'run'; runId: string};

/** Any other line of metrics.jsonl. */
export type MetricsRecord = ({type: 'step'} & StepRecord) | ({type: 'epoch'} & EpochRecord);

/** Where a run resumes: the next step and its epoch, both counted from 0. */
export type ResumePoint = {step: number; epoch: number};

/** The records that were kept of an earlier run, and how many lines before the last one were unreadable. */
export type KeptMetrics = {history: History; damaged: number};

/**
 * metrics.jsonl: the id of the run, then one line per step and per epoch, written immediately. Numbers that are not
 * finite become null.
 */
export class MetricsFile {
  readonly #path: string;
  readonly #file: FileHandle;

  /** `file` must be open at the place where lines are to be added. */
  constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Creates or empties `path`. Throws WRITE_FAILED, or the system error if the file cannot be opened. */
  static async create(path: string, runId: string): Promise<MetricsFile> {
    const file = await open(path, 'w');
    try {
      await file.appendFile(firstLine(runId));
    } catch (error) {
      await file.close();
      throw writeFailed(path, error);
    }
    return new MetricsFile(path, file);
  }

  /** Opens `path` to append to it and drops the records from `point` on, because those steps will be repeated. */
  static async resume(
    path: string,
    point: ResumePoint,
    runId: string,
  ): Promise<{metrics: MetricsFile; kept: KeptMetrics}> {
    const {lines, runId: _, ...kept} = await readMetrics(path, point);
    await writeAtomically(path, (file) => file.writeFile(firstLine(runId) + lines.join('')));
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

  /** Makes all lines survive a power failure. Throws WRITE_FAILED. */
  async sync(): Promise<void> {
    try {
      await this.#file.datasync();
    } catch (error) {
      throw writeFailed(this.#path, error);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function firstLine(runId: string): string {
  return `${JSON.stringify({type: 'run', runId} satisfies RunLine)}\n`;
}

/**
 * Reads metrics.jsonl up to `point`, or all of it, and returns the records, their lines, and the id of the run. Drops a
 * last line that was cut off when the process was killed. A missing file counts as empty.
 */
export async function readMetrics(
  path: string,
  point: ResumePoint = {step: Infinity, epoch: Infinity},
): Promise<KeptMetrics & {lines: string[]; runId: string | undefined}> {
  const kept: KeptMetrics & {lines: string[]} = {history: {steps: [], epochs: []}, damaged: 0, lines: []};
  let runId: string | undefined;
  const lines = (await readIfPresent(path)).split('\n');
  for (const [index, line] of lines.entries()) {
    const record = parse(line);
    if (record === undefined) {
      if (index < lines.length - 1) kept.damaged++;
    } else if (record.type === 'run') {
      runId = record.runId;
    } else if (record.type === 'step' ? record.step < point.step : record.epoch < point.epoch) {
      const {type, ...rest} = record;
      if (type === 'step') kept.history.steps.push(rest as StepRecord);
      else kept.history.epochs.push(rest as EpochRecord);
      kept.lines.push(`${line}\n`);
    }
  }
  return {...kept, runId};
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
function parse(line: string): MetricsRecord | RunLine | undefined {
  let record: MetricsRecord | RunLine;
  try {
    record = JSON.parse(line, (name, value) => (value === null && isLoss(name) ? Number.NaN : value));
  } catch {
    return undefined;
  }
  if (record?.type === 'run') return typeof record.runId === 'string' ? record : undefined;
  const isStep = record?.type === 'step' && Number.isInteger(record.step);
  const isEpoch = record?.type === 'epoch' && Number.isInteger(record.epoch);
  return isStep || isEpoch ? record : undefined;
}

/** JSON has no NaN: a loss that is not finite is null in the file and becomes NaN again when read. */
function isLoss(name: string): boolean {
  return name === 'loss' || name === 'gradientNorm' || name.startsWith('loss_');
}
