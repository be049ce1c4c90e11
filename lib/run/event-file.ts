import {type FileHandle, open, readdir} from 'node:fs/promises';
import {join} from 'node:path';
import {writeAll, writeFailed} from '../files/atomic-file.js';
import {type EventContent, encodeEvent, frame} from './event-message.js';
import type {MetricsRecord} from './metrics-file.js';
import {scalars} from './scalars.js';

/** TensorBoard takes every file with 'tfevents' in its name, and reads those of a folder in the order of their names. */
const NAME = /^events\.out\.tfevents\.(\d{10})\.maskrcnn$/;

/** A TensorBoard event file with the scalars of a run, by step. */
export class EventFile {
  readonly path: string;
  readonly #file: FileHandle;
  #lastStep: number;

  private constructor(path: string, file: FileHandle, firstStep: number) {
    this.path = path;
    this.#file = file;
    this.#lastStep = Math.max(0, firstStep - 1);
  }

  /** Makes a new file in `folder` that comes after those that are there; what these say of `firstStep` and later is void. */
  static async create(folder: string, firstStep: number): Promise<EventFile> {
    const seconds = (await eventFiles(folder)).map((name) => Number(NAME.exec(name)![1]));
    const stamp = Math.max(Math.floor(Date.now() / 1000), ...seconds.map((taken) => taken + 1));
    const path = join(folder, `events.out.tfevents.${String(stamp).padStart(10, '0')}.maskrcnn`);
    const events = new EventFile(path, await open(path, 'wx'), firstStep);
    await events.#write(0, {fileVersion: 'brain.Event:2'});
    if (firstStep > 0) await events.#write(firstStep, {sessionStart: true});
    return events;
  }

  /** An epoch's values stand at its last step. Throws WRITE_FAILED, after which nothing may be appended. */
  async append(record: MetricsRecord): Promise<void> {
    const values = record.type === 'step' ? stepScalars(record) : epochScalars(record);
    if (record.type === 'step') this.#lastStep = record.step;
    await this.#write(this.#lastStep, {scalars: values});
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #write(step: number, content: EventContent): Promise<void> {
    try {
      await writeAll(this.#file, frame(encodeEvent(Date.now() / 1000, step, content)));
    } catch (error) {
      throw writeFailed(this.path, error, 'What was written before can be read.');
    }
  }
}

/** The names of the event files that runs have left in `folder`. */
export async function eventFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => NAME.test(name));
}

/** 'loss/total' and the parts as 'loss/mask' ...; everything else of a step as 'step/lr' ... */
function stepScalars({type, step, epoch, loss, losses, ...more}: MetricsRecord & {type: 'step'}): [string, number][] {
  return [
    ['loss/total', loss],
    ...scalars(losses).map(([name, value]): [string, number] => [`loss/${name.replace(/^loss_/, '')}`, value]),
    ...scalars(more).map(([name, value]): [string, number] => [`step/${name}`, value]),
  ];
}

function epochScalars({type, epoch, validation, ...more}: MetricsRecord & {type: 'epoch'}): [string, number][] {
  return [
    ...scalars(more).map(([name, value]): [string, number] => [`epoch/${name}`, value]),
    ...scalars(validation).map(([name, value]): [string, number] => [`validation/${name}`, value]),
  ];
}
