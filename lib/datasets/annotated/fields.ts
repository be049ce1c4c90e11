import {MaskRcnnError} from '../../basics/errors.js';
import {show} from '../../basics/wording.js';

/**
 * Reads the fields of a parsed annotation file. Each method throws INVALID_DATASET, which names the file and the field,
 * for a value of another kind.
 */
export class Fields {
  readonly #file: string;
  readonly #name: string;
  readonly #value: Readonly<Record<string, unknown>>;

  /** `name`: of the object in the file, such as shapes[3]; empty for the whole file. */
  constructor(file: string, value: unknown, name = '') {
    this.#file = file;
    this.#name = name;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.#must(name, 'an object', value);
    this.#value = value as Record<string, unknown>;
  }

  get file(): string {
    return this.#file;
  }

  /** The name of the object, for messages. */
  get name(): string {
    return this.#name;
  }

  get keys(): readonly string[] {
    return Object.keys(this.#value);
  }

  /** The value as it is. */
  raw(key: string): unknown {
    return this.#value[key];
  }

  has(key: string): boolean {
    return this.#value[key] !== undefined && this.#value[key] !== null;
  }

  text(key: string): string {
    const value = this.#value[key];
    if (typeof value !== 'string') throw this.#must(this.#path(key), 'a string', value);
    return value;
  }

  optionalText(key: string): string | undefined {
    return this.has(key) ? this.text(key) : undefined;
  }

  number(key: string): number {
    const value = this.#value[key];
    if (!Number.isFinite(value)) throw this.#must(this.#path(key), 'a finite number', value);
    return value as number;
  }

  optionalNumber(key: string): number | undefined {
    return this.has(key) ? this.number(key) : undefined;
  }

  list(key: string): readonly unknown[] {
    const value = this.#value[key];
    if (!Array.isArray(value)) throw this.#must(this.#path(key), 'a list', value);
    return value;
  }

  numbers(key: string): readonly number[] {
    const value = this.list(key);
    const wrong = value.find((item) => !Number.isFinite(item));
    if (wrong !== undefined || value.includes(undefined)) {
      throw this.#must(this.#path(key), 'a list of finite numbers', wrong);
    }
    return value as number[];
  }

  /** Pairs of numbers: [[x, y], ...]. Further numbers of a pair are left out. */
  points(key: string): readonly (readonly [number, number])[] {
    return this.list(key).map((point, i) => {
      const isPoint = Array.isArray(point) && Number.isFinite(point[0]) && Number.isFinite(point[1]);
      if (!isPoint) throw this.#must(`${this.#path(key)}[${i}]`, 'a point [x, y]', point);
      return [point[0], point[1]];
    });
  }

  object(key: string): Fields {
    return new Fields(this.#file, this.#value[key], this.#path(key));
  }

  objects(key: string): Fields[] {
    return this.list(key).map((item, i) => new Fields(this.#file, item, `${this.#path(key)}[${i}]`));
  }

  /** The error that `key` must be something else. */
  wrong(key: string, expected: string): MaskRcnnError {
    return this.#must(this.#path(key), expected, this.#value[key]);
  }

  #path(key: string): string {
    return this.#name === '' ? key : `${this.#name}.${key}`;
  }

  #must(name: string, expected: string, got: unknown): MaskRcnnError {
    const what = name === '' ? 'The file' : `'${name}'`;
    return new MaskRcnnError('INVALID_DATASET', `${what} must be ${expected}, got ${show(got)}, in ${this.#file}.`, {
      file: this.#file,
    });
  }
}
