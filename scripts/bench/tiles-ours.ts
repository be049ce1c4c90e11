/** This package's side of one case of bench-tiles.ts. Argument: the case as JSON. */
import {maskRcnn, openRegions} from '../../lib/index.js';
import {median} from './median.js';
import type {TilesCase, TilesReport} from './tiles-case.js';

const {image, size, overlap, weights, precision, skipBlank} = JSON.parse(process.argv[2]!) as TilesCase;
await using model = await maskRcnn({weights, precision});

const first = await openRegions(image);
const side = Math.min(size, first.width, first.height);
const tile = await first.read({left: 0, top: 0, width: side, height: side});
await first.close();
/** Seconds of predictions of one tile. */
const plain: number[] = [];
const predictPlainly = async () => {
  for (let i = 0; i < 5; i++) {
    const began = performance.now();
    await model.predict(tile);
    plain.push((performance.now() - began) / 1000);
  }
};
await model.predict(tile); // the first one takes longer
await predictPlainly();

const began = performance.now();
const source = await openRegions(image);
let [tiles, blank, objects] = [0, 0, 0];
const onTile = (progress: {total: number; blank: number}) => {
  tiles = progress.total;
  blank = progress.blank;
};
for await (const _ of model.predictTiles(source, {size, overlap, onTile, ...(skipBlank && {skipBlank: 0})})) objects++;
await source.close();
const seconds = (performance.now() - began) / 1000;
// Before and after, because a shared machine is not always equally fast.
await predictPlainly();
const peakMiB = process.resourceUsage().maxRSS / 1024;
const report: TilesReport = {tiles, blank, objects, seconds, plainSeconds: median(plain), peakMiB};
console.log(JSON.stringify(report));
