import {createReadStream} from 'node:fs';
import {SaxesParser} from 'saxes';
import {MaskRcnnError} from '../../../basics/errors.js';
import {Turn} from '../../../basics/turns.js';
import {show} from '../../../basics/wording.js';

/** CVAT's files are 8 levels deep. Without a limit, a file of start tags alone would fill the memory. */
const MOST_LEVELS = 64;

/** What to do at the tags of an XML file. `parents`: the names of the open elements around it, outermost first. */
export type XmlHandlers = {
  open(tag: XmlTag, parents: readonly string[]): void;
  /** `text`: what stands between the last tag inside the element and its end. */
  close(name: string, text: string, parents: readonly string[]): void;
};

/**
 * A start tag. Its methods throw INVALID_DATASET, which names the file and the line, for an attribute of another kind.
 */
export class XmlTag {
  readonly file: string;
  readonly name: string;
  /** Where it stands in the file, for messages: '<polygon> in line 7, column 5'. */
  readonly where: string;
  readonly #attributes: Readonly<Record<string, string>>;

  constructor(file: string, name: string, position: string, attributes: Readonly<Record<string, string>>) {
    this.file = file;
    this.name = name;
    this.where = `<${name}> in ${position}`;
    this.#attributes = attributes;
  }

  has(key: string): boolean {
    return this.#attributes[key] !== undefined;
  }

  text(key: string): string {
    const value = this.#attributes[key];
    if (value === undefined || value === '') throw this.wrong(key, 'given');
    return value;
  }

  number(key: string): number {
    const value = numberIn(this.text(key));
    if (value === undefined) throw this.wrong(key, 'a finite number');
    return value;
  }

  whole(key: string): number {
    const value = this.number(key);
    if (!Number.isSafeInteger(value)) throw this.wrong(key, 'a whole number');
    return value;
  }

  /** A whole number, 1 or more. */
  length(key: string): number {
    const value = this.whole(key);
    if (value < 1) throw this.wrong(key, '1 or more');
    return value;
  }

  /** Whole numbers, separated by commas. */
  wholes(key: string): Uint32Array {
    const items = this.text(key).split(',');
    const numbers = new Uint32Array(items.length);
    for (const [i, item] of items.entries()) {
      const value = numberIn(item);
      numbers[i] = value ?? 0;
      // A fraction, a negative or a huge number comes out changed.
      if (numbers[i] !== value) {
        throw this.wrong(key, 'whole numbers, separated by commas', `${show(item)} as number ${i + 1}`);
      }
    }
    return numbers;
  }

  /** Points x,y;x,y;... as alternating x and y. */
  points(key: string): Float64Array {
    const pairs = this.text(key).split(';');
    const numbers = new Float64Array(2 * pairs.length);
    for (const [i, pair] of pairs.entries()) {
      const comma = pair.indexOf(',');
      const [x, y] = [numberIn(pair.slice(0, Math.max(0, comma))), numberIn(pair.slice(comma + 1))];
      if (x === undefined || y === undefined)
        throw this.wrong(key, 'points x,y;x,y;...', `${show(pair)} as point ${i + 1}`);
      numbers[2 * i] = x;
      numbers[2 * i + 1] = y;
    }
    return numbers;
  }

  /** The error that an attribute must be something else. `got`: what it is instead; by default all of it. */
  wrong(key: string, expected: string, got?: string): MaskRcnnError {
    const all = this.#attributes[key];
    const found = got ?? (all === undefined ? 'none' : show(all));
    return invalid(this.file, `'${key}' of ${this.where} must be ${expected}, got ${found}, in ${this.file}.`);
  }
}

function numberIn(text: string): number | undefined {
  const value = Number(text);
  // Number() makes 0 of nothing.
  const isBlank = value === 0 && text.trim() === '';
  return Number.isFinite(value) && !isBlank ? value : undefined;
}

/**
 * Reads an XML file piece by piece, in turns of the event loop. Throws INVALID_DATASET, with line and column, if it is
 * malformed. Entities that the file itself declares are an error, so none can grow.
 */
export async function readXml(file: string, {open, close}: XmlHandlers): Promise<void> {
  const parser = new SaxesParser();
  const parents: string[] = [];
  let position = '';
  let text = '';
  parser.on('error', ({message}) => {
    const reason = message.replace(/^\d+:\d+: /, '').replace(/\.$/, '');
    const found = `${reason}, in line ${parser.line}, column ${parser.column}`;
    throw invalid(file, `${file} must be an XML file: ${found}.`);
  });
  parser.on('opentagstart', () => {
    position = `line ${parser.line}, column ${parser.column}`;
  });
  parser.on('opentag', ({name, attributes}) => {
    text = '';
    if (parents.length === MOST_LEVELS) throw invalid(file, `${file} must have ${MOST_LEVELS} levels of tags at most.`);
    open(new XmlTag(file, name, position, attributes), parents);
    parents.push(name);
  });
  parser.on('text', (part) => {
    text += part;
  });
  parser.on('cdata', (part) => {
    text += part;
  });
  parser.on('closetag', ({name}) => {
    parents.pop();
    close(name, text, parents);
    text = '';
  });
  const turn = new Turn();
  try {
    for await (const piece of createReadStream(file, 'utf8')) {
      if (turn.isOver()) await turn.next();
      parser.write(piece as string);
    }
  } catch (cause) {
    if (cause instanceof MaskRcnnError || (cause as NodeJS.ErrnoException).code === undefined) throw cause;
    throw invalid(file, `${file} cannot be read: ${(cause as Error).message}.`, cause);
  }
  parser.close();
}

function invalid(file: string, message: string, cause?: unknown): MaskRcnnError {
  return new MaskRcnnError('INVALID_DATASET', message, {file, cause});
}
