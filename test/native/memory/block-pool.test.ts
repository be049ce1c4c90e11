import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../../lib/addon/binding.js';

const {placeBlocks} = await loadBinding();
const CAPACITY = 1000;

/** The steps of a program: allocate a number of bytes, or free one of the allocated blocks. */
const programs = fc.array(
  fc.oneof(fc.record({take: fc.integer({min: 1, max: 300})}), fc.record({giveBack: fc.nat(1000)})),
  {maxLength: 60},
);

type Block = {entry: number; size: number; offset: number};

/** Runs a program. Returns for each step what the pool did, and the blocks that were allocated at that time. */
function play(program: readonly ({take: number} | {giveBack: number})[]): {
  steps: {size: number; offset: number; others: Block[]}[];
  taken: Block[];
  script: number[];
} {
  const script: number[] = [];
  const steps: {size: number; offset: number; others: Block[]}[] = [];
  let taken: Block[] = [];
  for (const step of program) {
    const entry = script.length;
    if ('take' in step) {
      script.push(step.take);
      const offset = placeBlocks(CAPACITY, Int32Array.from(script)).at(-1)!;
      steps.push({size: step.take, offset, others: taken});
      if (offset >= 0) taken = [...taken, {entry, size: step.take, offset}];
    } else if (taken.length > 0 && script.length > 0) {
      const {entry: chosen} = taken[step.giveBack % taken.length]!;
      script.push(-chosen);
      taken = taken.filter((block) => block.entry !== chosen);
    }
  }
  return {steps, taken, script};
}

/** The free gaps between blocks. */
function gaps(blocks: readonly Block[]): {offset: number; size: number}[] {
  const sorted = blocks.toSorted((a, b) => a.offset - b.offset);
  const ends = [0, ...sorted.map(({offset, size}) => offset + size)];
  const starts = [...sorted.map(({offset}) => offset), CAPACITY];
  return ends.map((offset, i) => ({offset, size: starts[i]! - offset})).filter(({size}) => size > 0);
}

test('a block lies in the smallest gap that is large enough, the lowest of equals', (t) => {
  fc.assert(
    fc.property(programs, (program) => {
      for (const {size, offset, others} of play(program).steps) {
        const fitting = gaps(others).filter((gap) => gap.size >= size);
        const best = fitting.toSorted((a, b) => a.size - b.size || a.offset - b.offset)[0];
        t.is(offset, best?.offset ?? -1);
      }
    }),
  );
});

test('when all is given back, it is one piece again', (t) => {
  fc.assert(
    fc.property(programs, (program) => {
      const {taken, script} = play(program);
      const all = [...script, ...taken.map(({entry}) => -entry), CAPACITY];
      t.is(placeBlocks(CAPACITY, Int32Array.from(all)).at(-1), 0);
    }),
  );
});

test('what is not taken cannot be given back', (t) => {
  t.throws(() => placeBlocks(CAPACITY, Int32Array.of(10, 0, 0)), {instanceOf: RangeError, message: /script/});
});
