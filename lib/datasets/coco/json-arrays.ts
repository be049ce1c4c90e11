import {open} from 'node:fs/promises';

/** An element of an array in a JSON file. */
export type JsonElement = {
  /** The key of the array in the file's object. '' if the file itself is the array. */
  key: string;
  value: unknown;
  /** Position of its text in the file, in bytes. */
  offset: number;
  length: number;
};

/** An error in a JSON file, with its position in bytes. */
export class JsonFault extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(`${message} at byte ${offset}`);
    this.name = 'JsonFault';
  }
}

/** So small that a piece holds the event loop for milliseconds only. */
const CHUNK = 256 << 10;
const [QUOTE, BACKSLASH, COMMA, COLON, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = Buffer.from('"\\,:[]{}');
/** 1 for bytes that are relevant inside an element. */
const STRUCTURE = Uint8Array.from({length: 256}, (_, byte) => Number('"[]{}'.includes(String.fromCharCode(byte))));

/**
 * Reads a JSON file that is an array, or an object that contains arrays, in pieces of 256 kB, or of an element if that
 * is longer. Calls `onElements` for the objects of each piece that are in the array of the file, or in the arrays named
 * `keys` of its object, and awaits it. Elements are parsed; the text between them is only checked for brackets and
 * strings. Resolves to the keys that were found.
 *
 * Throws JsonFault with the position of malformed JSON, after `onElements` had what comes before; the file system's
 * error; or what `onElements` throws.
 */
export async function readJsonArrays(
  file: string,
  keys: readonly string[],
  onElements: (elements: JsonElement[]) => void | Promise<void>,
): Promise<Set<string>> {
  const handle = await open(file);
  try {
    const scanner = new Scanner(keys);
    for (;;) {
      // As long as what is unfinished, so that a long element is not copied again for each short piece.
      const length = Math.max(CHUNK, scanner.unfinished);
      const {bytesRead, buffer} = await handle.read(Buffer.allocUnsafe(length), 0, length);
      if (bytesRead === 0) return scanner.end();
      let fault: unknown;
      try {
        scanner.read(buffer.subarray(0, bytesRead));
      } catch (error) {
        fault = error;
      }
      await onElements(scanner.take());
      if (fault !== undefined) throw fault;
    }
  } finally {
    await handle.close();
  }
}

class Scanner {
  readonly #keys: readonly string[];
  #elements: JsonElement[] = [];
  readonly #found = new Set<string>();
  /** Bytes that have been read and are not processed yet. The first byte is at position #start of the file. */
  #buffer: Buffer = Buffer.alloc(0);
  #start = 0;
  /** Index in #buffer of the next byte to process. */
  #at = 0;
  /** The open brackets. */
  #open: number[] = [];
  /** Index in #buffer at which the current string or element begins, or -1. */
  #string = -1;
  #element = -1;
  /** The last string at the level of the file's object, and the last one before a colon. */
  #lastString = '';
  #key = '';
  #root: number | undefined;

  constructor(keys: readonly string[]) {
    this.#keys = keys;
  }

  /** Number of bytes of a string or an element whose end has not been read. */
  get unfinished(): number {
    return this.#buffer.length - this.#kept();
  }

  /** The elements that were read since the last call. */
  take(): JsonElement[] {
    const elements = this.#elements;
    this.#elements = [];
    return elements;
  }

  read(chunk: Buffer): void {
    const from = this.#kept();
    this.#buffer = from === this.#buffer.length ? chunk : Buffer.concat([this.#buffer.subarray(from), chunk]);
    this.#start += from;
    this.#at -= from;
    if (this.#element >= 0) this.#element -= from;
    if (this.#string >= 0) this.#string -= from;
    this.#scan();
  }

  /** Index in #buffer from where its bytes are still needed: the start of an unfinished string or element. */
  #kept(): number {
    return Math.min(this.#element < 0 ? this.#at : this.#element, this.#string < 0 ? this.#at : this.#string, this.#at);
  }

  end(): Set<string> {
    const end = this.#start + this.#buffer.length;
    if (this.#string >= 0) throw new JsonFault('A string has no end', this.#start + this.#string);
    if (this.#open.length > 0) throw new JsonFault('The file ends before its brackets are closed', end);
    if (this.#root === undefined) throw new JsonFault('The file must be a JSON object or array, got nothing', end);
    return this.#found;
  }

  #scan(): void {
    const buffer = this.#buffer;
    while (this.#at < buffer.length) {
      if (this.#string >= 0) {
        if (!this.#finishString()) return;
        continue;
      }
      if (this.#element >= 0) {
        let at = this.#at;
        while (at < buffer.length && STRUCTURE[buffer[at]!] === 0) at++;
        this.#at = at;
        if (at === buffer.length) return;
      }
      const byte = buffer[this.#at]!;
      switch (byte) {
        case QUOTE:
          this.#checkBetween();
          this.#string = this.#at++;
          continue;
        case OPEN_BRACE:
        case OPEN_BRACKET:
          this.#enter(byte);
          break;
        case CLOSE_BRACE:
        case CLOSE_BRACKET:
          this.#leave(byte);
          break;
        case COLON:
          if (this.#open.length === 1 && this.#root === OPEN_BRACE) this.#key = this.#lastString;
          break;
        default:
          this.#checkPlain(byte);
      }
      this.#at++;
    }
  }

  /** Moves past the end of the string. Returns false if the end has not been read yet. */
  #finishString(): boolean {
    for (;;) {
      const end = this.#buffer.indexOf(QUOTE!, Math.max(this.#at, this.#string + 1));
      if (end < 0) {
        this.#at = this.#buffer.length;
        return false;
      }
      let backslashes = 0;
      while (this.#buffer[end - 1 - backslashes] === BACKSLASH) backslashes++;
      this.#at = end + 1;
      if (backslashes % 2 === 1) continue;
      if (this.#open.length === 1) this.#lastString = this.#parse(this.#string, this.#at) as string;
      this.#string = -1;
      return true;
    }
  }

  #enter(bracket: number): void {
    const depth = this.#open.length;
    if (depth === 0) {
      if (this.#root !== undefined) throw this.#fault('There is more after the end of the JSON value');
      this.#root = bracket;
      if (bracket === OPEN_BRACKET) this.#found.add('');
    }
    if (depth === 1 && bracket === OPEN_BRACKET && this.#root === OPEN_BRACE) this.#found.add(this.#key);
    if (this.#isBetween()) {
      if (bracket !== OPEN_BRACE) this.#checkBetween();
      this.#element = this.#at;
    }
    this.#open.push(bracket);
  }

  #leave(bracket: number): void {
    if (this.#open.pop() !== (bracket === CLOSE_BRACE ? OPEN_BRACE : OPEN_BRACKET)) {
      throw this.#fault(`A '${String.fromCharCode(bracket)}' closes nothing`);
    }
    if (this.#element < 0 || this.#open.length !== this.#elementDepth()) return;
    const [from, to] = [this.#element, this.#at + 1];
    const value = this.#parse(from, to);
    this.#element = -1;
    this.#elements.push({key: this.#arrayKey(), value, offset: this.#start + from, length: to - from});
  }

  /** The number of open brackets around an element. */
  #elementDepth(): number {
    return this.#root === OPEN_BRACKET ? 1 : 2;
  }

  #arrayKey(): string {
    return this.#root === OPEN_BRACKET ? '' : this.#key;
  }

  /** Whether the current position is inside one of the wanted arrays, but outside of its elements. */
  #isBetween(): boolean {
    return (
      this.#element < 0 &&
      this.#open.length === this.#elementDepth() &&
      this.#open.at(-1) === OPEN_BRACKET &&
      this.#keys.includes(this.#arrayKey())
    );
  }

  #checkBetween(): void {
    if (this.#isBetween()) throw this.#fault(`The array${this.#arrayKey() && ` '${this.#key}'`} must hold objects`);
  }

  #checkPlain(byte: number): void {
    if (byte <= 0x20) return;
    if (this.#open.length === 0) throw this.#fault('The file must be a JSON object or array');
    if (byte !== COMMA) this.#checkBetween();
  }

  #parse(from: number, to: number): unknown {
    const text = this.#buffer.toString('utf8', from, to);
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw this.#faultOf(cause as Error, text, from);
    }
  }

  #faultOf({message}: Error, text: string, from: number): JsonFault {
    const position = /position (\d+)/.exec(message)?.[1];
    const within = position === undefined ? 0 : Buffer.byteLength(text.slice(0, Number(position)));
    return new JsonFault(
      `Malformed JSON: ${message.replace(/ in JSON at position .*/s, '')}`,
      this.#start + from + within,
    );
  }

  #fault(message: string): JsonFault {
    return new JsonFault(message, this.#start + this.#at);
  }
}
