/** Finds the elements of a JSON file in its bytes, piece by piece. */

/** An element of an array in a JSON file, or a member of an object. */
export type JsonElement = {
  /** The key of the array or object in the file's object. '' if it is in the file itself. */
  key: string;
  /** Its own key, if it is a member of an object. */
  member?: string;
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

const [QUOTE, BACKSLASH, COMMA, COLON, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = Buffer.from('"\\,:[]{}');
/** 1 for bytes that are relevant inside an element. */
const STRUCTURE = Uint8Array.from({length: 256}, (_, byte) => Number('"[]{}'.includes(String.fromCharCode(byte))));

/** Elements are those of arrays, or, with `maps`, the members of objects: see `readJsonMembers()`. */
export class JsonScanner {
  readonly #keys: readonly string[];
  /** The members whose own members are elements. Undefined if elements are those of arrays. */
  readonly #maps: readonly string[] | undefined;
  #elements: JsonElement[] = [];
  /** Keys of arrays, or with `maps` of members that are objects, and of members that are none. */
  readonly found = new Set<string>();
  readonly others = new Set<string>();
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
  /** The number of open brackets around the current element. */
  #depth = 0;
  /** The last string outside of elements, and the last ones before a colon, in the file's object and inside of it. */
  #lastString = '';
  #key = '';
  #member = '';
  /** Whether the value of #member has not come yet. */
  #isAwaited = false;
  #root: number | undefined;

  constructor(keys: readonly string[], maps?: readonly string[]) {
    this.#keys = keys;
    this.#maps = maps;
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

  end(): void {
    const end = this.#start + this.#buffer.length;
    if (this.#string >= 0) throw new JsonFault('A string has no end', this.#start + this.#string);
    if (this.#open.length > 0) throw new JsonFault('The file ends before its brackets are closed', end);
    if (this.#root === undefined) throw new JsonFault('The file must be a JSON object or array, got nothing', end);
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
          this.#nameMember();
          break;
        default:
          this.#checkPlain(byte);
      }
      this.#at++;
    }
  }

  #nameMember(): void {
    const isOfFile = this.#open.length === 1 && this.#root === OPEN_BRACE;
    if (isOfFile) {
      this.#key = this.#lastString;
      this.others.add(this.#key);
    } else if (this.#isInMap()) {
      this.#checkBetween();
      this.#member = this.#lastString;
      this.#isAwaited = true;
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
      if (this.#open.length === 1 || this.#isInMap()) this.#lastString = this.#parse(this.#string, this.#at) as string;
      this.#string = -1;
      return true;
    }
  }

  #enter(bracket: number): void {
    const depth = this.#open.length;
    if (depth === 0) {
      if (this.#root !== undefined) throw this.#fault('There is more after the end of the JSON value');
      this.#root = bracket;
      if (bracket === OPEN_BRACKET) this.found.add('');
    }
    const isArrayOfFile = depth === 1 && bracket === OPEN_BRACKET && this.#root === OPEN_BRACE;
    if (isArrayOfFile && this.#maps === undefined) this.found.add(this.#key);
    if (this.#isBetween() || this.#isMember(bracket)) {
      if (bracket !== OPEN_BRACE) this.#checkBetween();
      this.#element = this.#at;
      this.#depth = depth;
      this.#isAwaited = false;
    }
    if (this.#maps !== undefined && depth === 1 && bracket === OPEN_BRACE) {
      this.found.add(this.#key);
      this.others.delete(this.#key);
    }
    this.#open.push(bracket);
  }

  /** Whether an object at the current position is an element of the file's object. */
  #isMember(bracket: number): boolean {
    const isOfFile = this.#maps !== undefined && this.#open.length === 1 && this.#root === OPEN_BRACE;
    return isOfFile && bracket === OPEN_BRACE && !this.#maps.includes(this.#key);
  }

  /** Whether the current position is in an object whose members are elements, but outside of them. */
  #isInMap(): boolean {
    if (this.#maps === undefined || this.#element >= 0 || this.#open.length !== 2) return false;
    return this.#open[1] === OPEN_BRACE && this.#maps.includes(this.#key);
  }

  #leave(bracket: number): void {
    if (this.#open.pop() !== (bracket === CLOSE_BRACE ? OPEN_BRACE : OPEN_BRACKET)) {
      throw this.#fault(`A '${String.fromCharCode(bracket)}' closes nothing`);
    }
    if (this.#isAwaited && this.#element < 0) this.#checkBetween();
    if (this.#element < 0 || this.#open.length !== this.#depth) return;
    const [from, to] = [this.#element, this.#at + 1];
    const value = this.#parse(from, to);
    this.#element = -1;
    const place = this.#maps === undefined ? {key: this.#arrayKey()} : this.#placeOfMember();
    this.#elements.push({...place, value, offset: this.#start + from, length: to - from});
  }

  #placeOfMember(): {key: string; member: string} {
    return this.#depth === 1 ? {key: '', member: this.#key} : {key: this.#key, member: this.#member};
  }

  #arrayKey(): string {
    return this.#root === OPEN_BRACKET ? '' : this.#key;
  }

  /** Whether the current position is inside one of the wanted arrays or objects, where an element must follow. */
  #isBetween(): boolean {
    if (this.#maps !== undefined) return this.#isAwaited && this.#element < 0;
    return (
      this.#element < 0 &&
      this.#open.length === (this.#root === OPEN_BRACKET ? 1 : 2) &&
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
