/** Opens the annotation file ANNOTATIONS and one image's annotations, for bench-coco-open.ts. */
import {monitorEventLoopDelay} from 'node:perf_hooks';
import {Coco} from '../../lib/index.js';

const holds = monitorEventLoopDelay({resolution: 5});
holds.enable();
const began = performance.now();
const data = await Coco.open(process.argv[2]!);
const opened = performance.now();
holds.disable();
await data.truth(data.length - 1);
const read = performance.now() - opened;
console.log(
  `${((opened - began) / 1000).toFixed(1)} s, ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB at most; ` +
    `event loop held for ${(holds.max / 1e6).toFixed(0)} ms at most; ${read.toFixed(1)} ms for the masks of an image`,
);
