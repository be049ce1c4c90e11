/**
 * Reads the objects of the only mask of a folder. Prints JSON: the peak memory of the process, the longest time that the
 * event loop was held, and boxes and areas of the objects.
 */
import {monitorEventLoopDelay} from 'node:perf_hooks';
import {loadBinding} from '../../lib/addon/binding.js';
import {MaskFolder} from '../../lib/datasets/mask-folder.js';

const binding = await loadBinding();
const data = await MaskFolder.open(process.argv[2]!, {classes: ['cell']});
const monitor = monitorEventLoopDelay({resolution: 5});
monitor.enable();
const objects = await data.objects(0, await data.size(0));
monitor.disable();
const areas = objects.map(({mask}) => binding.rle.areas([mask!.rle.counts], mask!.rle.size[1], mask!.rle.size[0])[0]);
console.log(
  JSON.stringify({
    megabytes: (process.resourceUsage().maxRSS * 1024) / 1e6,
    held: monitor.max / 1e6,
    boxes: objects.map(({box}) => box),
    areas,
  }),
);
