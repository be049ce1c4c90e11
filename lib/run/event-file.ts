import {type FileHandle, open, readdir} from 'node:fs/promises';
import {join} from 'node:path';
import {writeAll, writeFailed} from '../files/atomic-file.js';
import {type EventContent, encodeEvent, frame} from './event-message.js';
import type {MetricsRecord} from './metrics-file.js';
import {scalars} from './scalars.js';

/**
 * TensorBoard reads every file with 'tfevents' in its name. It reads the files of a folder in the order of their names.
 */
const NAME = /^events\.out\.tfevents\.(\d{10})\.maskrcnn$/;

/** A TensorBoard event file with the scalars of a run by step. */
export class EventFile {
  readonly path: string;
  readonly #file: FileHandle;
  #lastStep: number;

  private constructor(path: string, file: FileHandle, firstStep: number) {
    this.path = path;
    this.#file = file;
    this.#lastStep = Math.max(0, firstStep - 1);
  }

  /**
   * Creates a new file in `folder` that sorts after the existing ones. It invalidates their records of `firstStep` and
   * later.
   */
  static async create(folder: string, firstStep: number): Promise<EventFile> {
    const seconds = (await eventFiles(folder)).map((name) => Number(NAME.exec(name)![1]));
    const stamp = Math.max(Math.floor(Date.now() / 1000), ...seconds.map((taken) => taken + 1));
    const path = join(folder, `events.out.tfevents.${String(stamp).padStart(10, '0')}.maskrcnn`);
    const events = new EventFile(path, await open(path, 'wx'), firstStep);
    await events.#write(0, {fileVersion: 'brain.Event:2'});
    // In the first file too: TensorBoard's slower loader takes the first start of a run for its beginning, and drops
    // later steps only at the next ones.
    await events.#write(firstStep, {sessionStart: true});
    return events;
  }

  /**
   * Appends a record. The values of an epoch are recorded at its last step. After WRITE_FAILED, nothing more may be
   * appended.
   */
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

/** The names of the event files in `folder`. */
export async function eventFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => NAME.test(name));
}

/** Tags of a step: 'loss/total', the parts such as 'loss/mask', and everything else such as 'step/lr'. */
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
