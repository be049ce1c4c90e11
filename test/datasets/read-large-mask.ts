/**
 * Reads the objects of the only mask of a folder, for tiles and on their own. Prints JSON: the peak memory of the
 * process, the longest time that the event loop was held, the number of objects as `tiles()`, `stats()` and
 * `labels()` have it, boxes and areas.
 */
import {monitorEventLoopDelay} from 'node:perf_hooks';
import {loadBinding} from '../../lib/addon/binding.js';
import {MaskFolder} from '../../lib/datasets/mask-folder.js';
import {tiles} from '../../lib/tiles/tiles.js';

const binding = await loadBinding();
const data = await MaskFolder.open(process.argv[2]!, {classes: ['cell']});
const monitor = monitorEventLoopDelay({resolution: 5});
const image = await data.largeImage(0, {});
monitor.enable();
const cut = await tiles(data, {size: 4096, overlap: 0});
const objects = await data.objects(0, image);
const {instances} = await (await MaskFolder.open(process.argv[2]!, {classes: ['cell']})).stats();
monitor.disable();
const areas = objects.map(({mask}) => binding.rle.areas([mask!.rle.counts], mask!.rle.size[1], mask!.rle.size[0])[0]);
console.log(
  JSON.stringify({
    megabytes: (process.resourceUsage().maxRSS * 1024) / 1e6,
    held: monitor.max / 1e6,
    counts: [cut.stats.objects, instances, (await data.labels(0)).length],
    boxes: objects.map(({box}) => box),
    areas,
  }),
);
