/**
 * Reads the objects of the only mask of a folder, for tiles and on their own. Prints JSON: the peak memory of the
 * process, the longest time that the event loop was held, on Linux, the number of objects as `tiles()`, `stats()` and
 * `labels()` have it, boxes and areas.
 */
import {loadBinding} from '../../lib/addon/binding.js';
import {MaskFolder} from '../../lib/datasets/mask-folder.js';
import {tiles} from '../../lib/tiles/tiles.js';
import {held} from '../held.js';

const binding = await loadBinding();
const data = await MaskFolder.open(process.argv[2]!, {classes: ['cell']});
const image = await data.largeImage(0, {});
const read = async () => ({
  cut: await tiles(data, {size: 4096, overlap: 0}),
  objects: await data.objects(0, image),
  counts: await (await MaskFolder.open(process.argv[2]!, {classes: ['cell']})).stats(),
});
let found: Awaited<ReturnType<typeof read>> | undefined;
const work = async () => {
  found = await read();
};
const hold = process.platform === 'linux' ? await held(work) : await work();
const {cut, objects, counts} = found!;
const areas = objects.map(({mask}) => binding.rle.areas([mask!.rle.counts], mask!.rle.size[1], mask!.rle.size[0])[0]);
console.log(
  JSON.stringify({
    megabytes: (process.resourceUsage().maxRSS * 1024) / 1e6,
    held: hold,
    counts: [cut.stats.objects, counts.instances, (await data.labels(0)).length],
    boxes: objects.map(({box}) => box),
    areas,
  }),
);
