import {basename, dirname} from 'node:path';
import type {DrawOptions} from '../../draw/overlay.js';
import {drawOverview} from '../../draw/overview.js';
import type {PictureFormat} from '../../draw/picture-format.js';
import {removeAbandoned, removeTemporaries, writeAll, writeAtomically} from '../../files/atomic-file.js';
import type {PixelOptions} from '../../image/pixel-options.js';
import {openRegions} from '../../image/regions/open-regions.js';
import type {RegionSource} from '../../image/regions/region-source.js';
import {wholeImageRle} from '../../masks/placed-mask.js';
import type {Detections} from '../../model/detections.js';
import {detectionsInOrder} from '../../model/tiles/detections-of-tiles.js';
import type {TiledObject} from '../../model/tiles/tiled-object.js';

/** The longer side of the picture of a large image, in pixels. */
const OVERVIEW_SIDE = 2048;

/** Objects whose masks are made masks of the whole image together. */
const AT_A_TIME = 1024;

/** An image that was predicted tile by tile from its file. */
export type LargeImage = {
  source: RegionSource;
  /** How the file was read. */
  reading: PixelOptions;
  /** The objects, from the first one, each time it is called. */
  objects(): AsyncIterable<TiledObject>;
};

/** A reduced picture of a large image with the outlines of its objects. */
export async function overviewOf(
  {source, reading, objects}: LargeImage,
  {format, quality}: Pick<DrawOptions, 'quality'> & {format: PictureFormat},
): Promise<Buffer> {
  const {width, height} = source.levels[0]!;
  const downsample = Math.max(1, Math.max(width, height) / OVERVIEW_SIDE);
  const reduced = await openRegions(source.file, {...reading, downsample});
  try {
    const {width, height} = reduced;
    const picture = await reduced.read({left: 0, top: 0, width, height});
    const reduction = reduced.downsample / source.downsample;
    return await drawOverview(picture, objects(), {format, ...(quality !== undefined && {quality}), reduction});
  } finally {
    await reduced.close();
  }
}

/** The objects as detections of the whole image, some at a time. */
export async function* detectionsIn({source, objects}: LargeImage): AsyncGenerator<Detections> {
  let block: TiledObject[] = [];
  for await (const object of objects()) {
    if (block.push(object) < AT_A_TIME) continue;
    yield await detectionsInOrder(block, source);
    block = [];
  }
  if (block.length > 0) yield await detectionsInOrder(block, source);
}

/** Removes what a process that was killed has left of files, which can be gigabytes. No other may be writing them. */
export async function removeLeftovers(paths: readonly string[]): Promise<void> {
  for (const path of paths) await removeTemporaries(dirname(path), (target) => target === basename(path));
}

/** The blocks of detections of one image as one. */
export function joinDetections(
  {file, width, height}: {file: string; width: number; height: number},
  blocks: readonly Detections[],
): Detections {
  if (blocks.length === 1) return blocks[0]!;
  return {
    ...{file, width, height},
    boxes: Float32Array.from(blocks.flatMap(({boxes}) => [...boxes])),
    labels: Int32Array.from(blocks.flatMap(({labels}) => [...labels])),
    classNames: blocks.flatMap(({classNames}) => classNames),
    scores: Float32Array.from(blocks.flatMap(({scores}) => [...scores])),
    masks: blocks.flatMap(({masks}) => masks),
  };
}

/**
 * Writes what `detectionsToJson()` gives, object by object in the order in which they were found, and how large the
 * pixels are. An object of which a part may be missing has `"cut": true`.
 */
export async function writeLargeJson(path: string, {source, objects}: LargeImage): Promise<void> {
  const {file, width, height, downsample} = source;
  await removeAbandoned(path);
  await writeAtomically(path, async (output) => {
    const head = JSON.stringify({file, width, height, ...(downsample !== 1 && {downsample})});
    await writeAll(output, Buffer.from(`${head.slice(0, -1)},"objects":[`));
    let id = 0;
    for await (const {className, score, box, mask, cut} of objects()) {
      const rle = await wholeImageRle(mask, width, height);
      const line = JSON.stringify({id: ++id, class: className, score, box, mask: rle, ...(cut && {cut})});
      await writeAll(output, Buffer.from(`${id === 1 ? '' : ','}\n${line}`));
    }
    await writeAll(output, Buffer.from('\n]}\n'));
  });
}
