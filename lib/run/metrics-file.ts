import {type FileHandle, open, readFile} from 'node:fs/promises';
import {MaskRcnnError} from '../basics/errors.js';
import {show} from '../basics/wording.js';
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

  /**
   * Opens `path` to append to it and drops the records from `point` on, because those steps will be repeated. Throws
   * what `readMetrics()` throws, and WRITE_FAILED.
   */
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
 * last line that was cut off when the process was killed. A missing file counts as empty. Throws INVALID_DATASET if the
 * file cannot be read, or if a line is JSON of a step or epoch that lacks what every record has: no kill leaves that.
 */
export async function readMetrics(
  path: string,
  point: ResumePoint = {step: Infinity, epoch: Infinity},
): Promise<KeptMetrics & {lines: string[]; runId: string | undefined}> {
  const kept: KeptMetrics & {lines: string[]} = {history: {steps: [], epochs: []}, damaged: 0, lines: []};
  let runId: string | undefined;
  const lines = (await readIfPresent(path)).split('\n');
  for (const [index, line] of lines.entries()) {
    const record = parse(line, {path, number: index + 1});
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
    const {code, message} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return '';
    throw new MaskRcnnError('INVALID_DATASET', `${path} must be the metrics of a run: ${message}.`, {
      file: path,
      cause: error,
    });
  }
}

/** Where a line is, for messages. */
type Place = {path: string; number: number};

/** The record in a line, or undefined if the line is neither a record nor says that it is one. */
function parse(line: string, place: Place): MetricsRecord | RunLine | undefined {
  let record: Record<string, unknown> | null;
  try {
    record = JSON.parse(line, (name, value) => (value === null && isLoss(name) ? Number.NaN : value));
  } catch {
    return undefined;
  }
  const rule = record?.type === 'step' ? STEP : record?.type === 'epoch' ? EPOCH : undefined;
  if (rule !== undefined) return checked(record!, rule, place) as MetricsRecord;
  return record?.type === 'run' && typeof record.runId === 'string' ? (record as RunLine) : undefined;
}

type Check = [name: string, expected: string, accepts: (value: unknown) => boolean];

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown) => typeof value === 'number';
const isNumbers = (value: unknown) => isObject(value) && Object.values(value as object).every(isNumber);

/** What tables, curves and reports read of every step. */
const STEP: readonly Check[] = [
  ['step', 'a whole number', Number.isInteger],
  ['epoch', 'a whole number', Number.isInteger],
  ['lr', 'a number', isNumber],
  ['loss', 'a number', isNumber],
  ['losses', 'an object of numbers', isNumbers],
];

/** The same of every epoch. */
const EPOCH: readonly Check[] = [
  ['epoch', 'a whole number', Number.isInteger],
  ['loss', 'a number', isNumber],
  ['validation', 'an object or null', (value) => value === null || isObject(value)],
];

function checked(record: Record<string, unknown>, checks: readonly Check[], {path, number}: Place) {
  for (const [name, expected, accepts] of checks) {
    if (accepts(record[name])) continue;
    throw new MaskRcnnError(
      'INVALID_DATASET',
      `Line ${number} of ${path} must have '${name}', ${expected}, got ${show(record[name])}.`,
      {file: path, hint: 'Remove the line, or put back the file as the run wrote it.'},
    );
  }
  return record;
}

/** JSON has no NaN: a loss that is not finite is null in the file and becomes NaN again when read. */
function isLoss(name: string): boolean {
  return name === 'loss' || name === 'gradientNorm' || name.startsWith('loss_');
}
