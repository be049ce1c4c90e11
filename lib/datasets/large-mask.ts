/** The objects of label masks that are read in parts. */
import type {Binding} from '../addon/binding.js';
import {mapConcurrently} from '../basics/concurrently.js';
import {MaskRcnnError} from '../basics/errors.js';
import {Turn} from '../basics/turns.js';
import {MAX_PIXELS} from '../image/format.js';
import type {LabelBlock, LabelBlocks, LabelPlace} from '../image/regions/label-blocks.js';
import {boundsOf, MOST_MASK_PIXELS, type PlacedMask, rectOf, unionOf} from '../masks/placed-mask.js';
import {eachRun} from '../masks/runs.js';
import type {PlacedObject} from './dataset.js';
import {MOST_IDS, noObjects} from './instances.js';

/** Masks with more pixels are read block by block, unless their objects cannot be found so. */
export const MOST_WHOLE = 4096 * 4096;

/** Blocks that are decoded at a time: as many as libuv has threads. */
const AT_A_TIME = 4;

/**
 * Boxes of the objects of a block may cover it so many times. In a photo, they do more often, as in a whole mask of
 * `MOST_WHOLE` pixels that `instancesFromIds()` refuses.
 */
const MOST_TIMES = 64;

type Settings = {minArea: number; ignoreIds?: readonly number[]; binary?: 'components' | 'whole'};

/** What a block shows of an object: runs as row, first column and the one after the last, and the box of them. */
type Seen = {runs: number[]; left: number; top: number; right: number; bottom: number};

/** What is needed of `LabelBlocks`. */
type Source = Omit<LabelBlocks, 'close'>;

/**
 * The objects of a label mask, in the order of their ids, as `instancesFromIds()` and `placedInstances()` give them, in
 * memory that grows with the objects and not with the image. Undefined if only the whole mask shows them: it has
 * colours, one value of which the parts have to be told apart, or very many values at one place. Undefined, too, if it
 * needs a temporary file for which there is no room. Throws INVALID_MASK, also for such a mask that is too large to be
 * read whole, and WRITE_FAILED for one without room.
 */
export async function objectsOfBlocks(
  binding: Binding,
  source: Source,
  {minArea, ignoreIds = [], binary}: Settings,
  file: string,
): Promise<{objects: PlacedObject[]; dropped: number} | undefined> {
  const ignored = new Set(ignoreIds);
  const parts = new Map<number, PlacedMask[]>();
  const turn = new Turn();
  let bits = 0;
  let onlyWhole: MaskRcnnError | undefined;
  const places = await placesOf(source);
  if (places === undefined) return undefined;
  await mapConcurrently(places.length, AT_A_TIME, async (i) => {
    if (onlyWhole !== undefined) return;
    const block = await source.read(places[i]!);
    const all = block.source === 'colours' ? undefined : await seenIn(block, source, ignored);
    onlyWhole ??= all === undefined ? coloursOnly(file) : denselyOnly(block, all, file);
    if (all === undefined || onlyWhole !== undefined) return;
    bits = block.bits;
    for (const [id, seen] of all) {
      if (turn.isOver()) await turn.next();
      const known = parts.get(id);
      if (known === undefined) parts.set(id, [placed(binding, seen, block)]);
      else known.push(placed(binding, seen, block));
    }
    if (parts.size > MOST_IDS) throw noObjects(file, `more than ${MOST_IDS} values`);
  });
  const refusal = onlyWhole ?? partsOnly([...parts.keys()], {bits, binary, file});
  if (refusal !== undefined) {
    if (source.width * source.height > MAX_PIXELS) throw refusal;
    return undefined;
  }
  const objects: PlacedObject[] = [];
  let dropped = 0;
  for (const id of [...parts.keys()].sort((a, b) => a - b)) {
    const masks = parts.get(id)!;
    let area = 0;
    for (const {rle} of masks) {
      if (turn.isOver()) await turn.next();
      area += binding.rle.areas([rle.counts], rle.size[1], rle.size[0])[0]!;
    }
    if (area < minArea) {
      dropped++;
      continue;
    }
    const bounds = boundsOf(masks.map(rectOf));
    const {left, top, width, height} = bounds;
    if (width * height > MOST_MASK_PIXELS) {
      throw new MaskRcnnError(
        'INVALID_MASK',
        `${file} must have objects whose rectangles have at most ${MOST_MASK_PIXELS} pixels, got the value ${id} in a ` +
          `rectangle of ${width} × ${height}.`,
        {file, hint: `If the value ${id} is no object, pass ignoreIds: [${id}].`},
      );
    }
    const mask = masks.length === 1 ? masks[0]! : await unionOf(binding, masks, bounds, turn);
    objects.push({label: 1, box: [left, top, left + width, top + height], crowd: false, id, mask});
  }
  return {objects, dropped};
}

/** Undefined if there is no room for the temporary file of a mask that can be read whole. Throws as `places()` does. */
async function placesOf(source: Source): Promise<readonly LabelPlace[] | undefined> {
  try {
    return await source.places();
  } catch (error) {
    const isForRoom = error instanceof MaskRcnnError && error.code === 'WRITE_FAILED';
    if (isForRoom && source.width * source.height <= MAX_PIXELS) return undefined;
    throw error;
  }
}

/** What a block shows of each object. */
async function seenIn(
  {ids, left, top, ...size}: LabelBlock,
  image: {width: number; height: number},
  ignored: ReadonlySet<number>,
): Promise<Map<number, Seen>> {
  const [right, bottom] = [Math.min(size.width, image.width - left), Math.min(size.height, image.height - top)];
  const all = new Map<number, Seen>();
  await eachRun(ids, size.width, bottom, (id, y, from, end) => {
    const to = Math.min(end, right);
    if (from >= to || ignored.has(id)) return;
    const seen = all.get(id);
    if (seen === undefined) {
      all.set(id, {runs: [y, from, to], left: from, top: y, right: to, bottom: y + 1});
      return;
    }
    seen.runs.push(y, from, to);
    seen.left = Math.min(seen.left, from);
    seen.right = Math.max(seen.right, to);
    seen.bottom = y + 1;
  });
  return all;
}

/** The mask of what a block shows of an object. */
function placed({rle}: Binding, {runs, ...box}: Seen, {left, top}: LabelBlock): PlacedMask {
  const [width, height] = [box.right - box.left, box.bottom - box.top];
  const data = new Uint8Array(width * height);
  for (let i = 0; i < runs.length; i += 3) {
    const row = (runs[i]! - box.top) * width - box.left;
    data.fill(1, row + runs[i + 1]!, row + runs[i + 2]!);
  }
  const counts = rle.encodeCrop({left: 0, top: 0, width, height, data}, width, height);
  return {left: left + box.left, top: top + box.top, rle: {size: [height, width], counts}};
}

/** Why bitmaps of what a block shows are not made. Undefined if their boxes do not cover each other too often. */
function denselyOnly(block: LabelBlock, all: ReadonlyMap<number, Seen>, file: string): MaskRcnnError | undefined {
  const covered = [...all.values()].reduce((sum, box) => sum + (box.right - box.left) * (box.bottom - box.top), 0);
  if (covered <= MOST_TIMES * block.width * block.height) return undefined;
  const where = `(${block.left}, ${block.top})`;
  return noObjects(file, `${all.size} values at ${where}, whose boxes cover each other many times`);
}

/** Why the parts of a binary mask are not told apart. Undefined if they need not be. */
function partsOnly(
  ids: readonly number[],
  {bits, binary, file}: {bits: number; binary: Settings['binary']; file: string},
): MaskRcnnError | undefined {
  if (ids.length !== 1 || binary === 'whole') return undefined;
  const looksBinary = bits === 1 || ids[0] === 255 || ids[0] === 65535;
  if (binary === undefined && !looksBinary) return undefined;
  return new MaskRcnnError(
    'INVALID_MASK',
    `${file} must have a value of its own for each instance, got 0 and ${ids[0]} only, and more than ${MAX_PIXELS} pixels.`,
    {
      file,
      hint: "The parts of so large a mask are not told apart: number them first. Pass binary: 'whole' for one object.",
    },
  );
}

/** Why objects are not found by their colours. */
function coloursOnly(file: string): MaskRcnnError {
  return new MaskRcnnError(
    'INVALID_MASK',
    `${file} must have a grey value for each object, got colours and more than ${MAX_PIXELS} pixels.`,
    {file, hint: 'Save the ids as grey values of 8, 16 or 32 bits.'},
  );
}
