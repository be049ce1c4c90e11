/** This package's side of one case of bench-tiles.ts. Argument: the case as JSON. */
import {maskRcnn, openRegions} from '../../lib/index.js';
import type {TilesCase, TilesReport} from './tiles-case.js';

const {image, size, overlap, weights, precision, skipBlank} = JSON.parse(process.argv[2]!) as TilesCase;
await using model = await maskRcnn({weights, precision});

const first = await openRegions(image);
const side = Math.min(size, first.width, first.height);
const tile = await first.read({left: 0, top: 0, width: side, height: side});
await first.close();
/** Parts of an image with a pause between two, fewer if it has few tiles; and predictions of one tile in a pause. */
const [PARTS, IN_A_PAUSE] = [18, 4];
let [plain, predicted] = [0, 0];
const predictPlainly = async () => {
  const began = performance.now();
  for (let i = 0; i < IN_A_PAUSE; i++) await model.predict(tile);
  plain += (performance.now() - began) / 1000;
  predicted += IN_A_PAUSE;
};
await model.predict(tile); // the first one takes longer
await predictPlainly();

const source = await openRegions(image);
let [tiles, blank, objects, done] = [0, 0, 0, 0];
const onTile = (progress: {done: number; total: number; blank: number}) => {
  tiles = progress.total;
  ({blank, done} = progress);
};
/**
 * A shared machine is not equally fast for minutes. So there are pauses for more predictions of one tile, which are
 * timed as the tiles are: together, slow ones too. The network first finishes the next tile, which it computes already,
 * and one more prediction, during which the tile behind it is read. Neither the pauses nor the tiles in them count.
 */
let [pauses, paused] = [0, 0];
const pause = async () => {
  const started = performance.now();
  await model.predict(tile);
  await predictPlainly();
  paused += (performance.now() - started) / 1000;
  pauses++;
};
const began = performance.now();
for await (const _ of model.predictTiles(source, {size, overlap, onTile, ...(skipBlank && {skipBlank: 0})})) {
  objects++;
  const isDue = done >= (pauses + 1) * Math.max(4, tiles / PARTS);
  // `done` tiles are finished, and this object is of the next one, behind which another one must be under way.
  if (isDue && done + 1 < tiles && !skipBlank) await pause();
}
await source.close();
const seconds = (performance.now() - began) / 1000 - paused;
await predictPlainly();
const peakMiB = process.resourceUsage().maxRSS / 1024;
const report: TilesReport = {tiles, untimed: pauses, blank, objects, seconds, plainSeconds: plain / predicted, peakMiB};
console.log(JSON.stringify(report));
