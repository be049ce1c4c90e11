/**
 * Reads all of a large image in regions of 1000 × 1000 pixels. Prints JSON: the peak memory of the process and the
 * longest time that the event loop was held, and the sum of all pixels.
 */
import {openRegions} from '../../../lib/image/regions/open-regions.js';
import {held} from '../../held.js';

const SIDE = 1000;
const source = await openRegions(process.argv[2]!);
let sum = 0;
const longest = await held(async () => {
  for (let top = 0; top < source.height; top += SIDE) {
    for (let left = 0; left < source.width; left += SIDE) {
      const width = Math.min(SIDE, source.width - left);
      const height = Math.min(SIDE, source.height - top);
      const {data} = await source.read({left, top, width, height});
      // Every 1000th number: this loop holds the event loop too.
      for (let i = 0; i < data.length; i += 1000) sum += data[i]!;
    }
  }
});
await source.close();
console.log(JSON.stringify({megabytes: (process.resourceUsage().maxRSS * 1024) / 1e6, held: longest, sum}));
