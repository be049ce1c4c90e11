import {inTurns} from '../basics/turns.js';
import {eachRun} from './runs.js';

/** A horizontal run of pixels of the row before, with the label of its component. */
type Run = {from: number; to: number; label: number};

/**
 * Numbers the connected components of the nonzero pixels, from 1, in row-major order of their first pixel. Pixels that
 * touch at a corner are connected (8-connectivity). Works in turns, so that the event loop runs on.
 *
 * Two passes with a union-find of labels (Rosenfeld and Pfaltz, "Sequential operations in digital picture processing",
 * 1966), on runs instead of pixels.
 */
export async function connectedComponents(
  pixels: ArrayLike<number>,
  width: number,
  height: number,
): Promise<{ids: Uint32Array; count: number}> {
  const ids = new Uint32Array(width * height);
  /** The parent of each label, which is smaller. A root is its own parent. */
  const parents = [0];
  const rootOf = (label: number) => {
    let root = label;
    while (parents[root] !== root) root = parents[root]!;
    while (parents[label] !== root) [parents[label], label] = [root, parents[label]!];
    return root;
  };

  let row = -1;
  let above: Run[] = [];
  let current: Run[] = [];
  let next = 0; // the first run above that can touch the next run of this row
  await eachRun(pixels, width, height, (_, y, from, to) => {
    if (y !== row) {
      above = y === row + 1 ? current : [];
      current = [];
      next = 0;
      row = y;
    }
    let label = current.at(-1)?.to === from ? rootOf(current.at(-1)!.label) : 0;
    while (next < above.length && above[next]!.to < from) next++;
    for (let i = next; i < above.length && above[i]!.from <= to; i++) {
      const other = rootOf(above[i]!.label);
      if (label === 0) label = other;
      // The smaller label was given first, so that a root is the label of the component's first pixel.
      const [root, child] = label < other ? [label, other] : [other, label];
      parents[child] = root;
      label = root;
    }
    if (label === 0) {
      label = parents.length;
      parents.push(label);
    }
    current.push({from, to, label});
    ids.fill(label, y * width + from, y * width + to);
  });

  const numbers = new Uint32Array(parents.length);
  let count = 0;
  // A parent is smaller than its label, so it has its number already.
  await inTurns(parents.length, (from, to) => {
    for (let label = Math.max(1, from); label < to; label++) {
      const parent = parents[label]!;
      numbers[label] = parent === label ? ++count : numbers[parent]!;
    }
  });
  await inTurns(ids.length, (from, to) => {
    for (let i = from; i < to; i++) ids[i] = numbers[ids[i]!]!;
  });
  return {ids, count};
}
