import {MalformedPickle} from './pickle-values.js';

/** A state dict with ten thousand tensors uses some hundred thousand memo entries. */
const memoLimit = 4_000_000;

/** The stack entry of a MARK. */
const mark = Symbol('mark');

/**
 * The stack, marks and memo of the pickle machine. Using a value, mark or memo entry that does not exist throws
 * MalformedPickle.
 */
export class PickleStack {
  private readonly values: unknown[] = [];
  private readonly memo: unknown[] = [];
  /** Positions of the marks in `values`. */
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
    // Values below the last mark cannot be popped.
    const floor = (this.marks.at(-1) ?? -1) + 1;
    if (this.values.length - count < floor) throw new MalformedPickle('it uses a value that is not there');
    return this.values.splice(this.values.length - count, count);
  }

  mark(): void {
    this.marks.push(this.values.length);
    this.values.push(mark);
  }

  /** Pops the values above the last mark, and the mark. */
  popMarked(): unknown[] {
    const position = this.marks.pop();
    if (position === undefined) throw new MalformedPickle('it uses a mark that is not there');
    const values = this.values.splice(position + 1);
    this.values.length = position;
    return values;
  }

  /** Pops a value or a mark. */
  drop(): void {
    if (this.marks.at(-1) === this.values.length - 1) this.popMarked();
    else this.pop();
  }

  /** Stores the top value in the memo, by default under the next free index. */
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
