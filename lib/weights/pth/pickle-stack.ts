import {MalformedPickle} from './pickle-values.js';

/** A state dict of ten thousand tensors remembers some hundred thousand values. */
const memoLimit = 4_000_000;

/** Stands on the stack where a MARK was. */
const mark = Symbol('mark');

/** The stack, marks and memo of the pickle machine. Uses of what is not there throw MalformedPickle. */
export class PickleStack {
  private readonly values: unknown[] = [];
  private readonly memo: unknown[] = [];
  /** Positions of the marks among the values. */
  private readonly marks: number[] = [];

  push(value: unknown): void {
    this.values.push(value);
  }

  top(): unknown {
    const value = this.values.at(-1);
    if (value === undefined || value === mark) throw new MalformedPickle('it uses a value that is not there');
    return value;
  }

  pop(): unknown {
    return this.popMany(1)[0];
  }

  popMany(count: number): unknown[] {
    // What lies under the last mark is out of reach.
    const floor = (this.marks.at(-1) ?? -1) + 1;
    if (this.values.length - count < floor) throw new MalformedPickle('it uses a value that is not there');
    return this.values.splice(this.values.length - count, count);
  }

  mark(): void {
    this.marks.push(this.values.length);
    this.values.push(mark);
  }

  /** The values above the last mark; the mark goes too. */
  popMarked(): unknown[] {
    const position = this.marks.pop();
    if (position === undefined) throw new MalformedPickle('it uses a mark that is not there');
    const values = this.values.splice(position + 1);
    this.values.length = position;
    return values;
  }

  /** A mark may be dropped like a value. */
  drop(): void {
    if (this.marks.at(-1) === this.values.length - 1) this.popMarked();
    else this.pop();
  }

  /** Under the next free index if none is given. */
  remember(index: number | bigint = this.memo.length): void {
    if (index < 0 || index >= memoLimit) throw new MalformedPickle(`it remembers more than ${memoLimit} values`);
    this.memo[Number(index)] = this.top();
  }

  recall(index: number | bigint): void {
    const value = this.memo[Number(index)];
    if (value === undefined) throw new MalformedPickle(`it recalls value ${index}, which it has not remembered`);
    this.push(value);
  }
}
