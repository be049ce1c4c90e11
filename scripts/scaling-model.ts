/**
 * Computes on paper how the training of Mask R-CNN with ResNet-50 scales to 1,024 GPUs, as the table of
 * docs/distributed.md:
 *
 *   npx tsx scripts/scaling-model.ts
 *
 * It models the network alone: that no process waits for a slower one, and that data come in time. The other
 * assumptions are the constants below.
 */
import {pathToFileURL} from 'node:url';

/** Megabytes of gradients that a step sums in float32, as `npm run bench:distributed -- --rate 10gbit` measures. */
const GRADIENTS_MB = 176;

/** Megabytes of a bucket; the first ones are smaller (native/distributed/gradient_sums.cpp). */
const BUCKET_MB = 26.2;

/** A step of 12 images on one H100, at the 185 images/s of each of 8 GPUs in MLPerf Training v3.1. */
const STEP_SECONDS = 12 / 185;

/** The share of a step that is its backward pass, during which buckets become ready one after the other. */
const BACKWARD_SHARE = 2 / 3;

const GPUS_PER_MACHINE = 8;

/** What an H100 sends to the others of its machine: half of the 900 GB/s of NVLink 4 that count both directions. */
const INSIDE_GB = 450;

/** The time of a message of no size within a machine. */
const INSIDE_SECONDS = 5e-6;

/** Links between machines: gigabits that a machine sends per second, and the time of a message of no size. */
const LINKS = [
  {name: '8 × 400 Gbit/s InfiniBand', gigabits: 3200, seconds: 5e-6},
  {name: '100 Gbit/s Ethernet', gigabits: 100, seconds: 30e-6},
  {name: '25 Gbit/s Ethernet', gigabits: 25, seconds: 30e-6},
  {name: '10 Gbit/s Ethernet', gigabits: 10, seconds: 30e-6},
] as const;

const SIZES = [8, 64, 256, 1024] as const;

/** Seconds to sum `megabytes` over `gpus`: within machines and between them, in rings, with a tree's latency. */
function sumSeconds(megabytes: number, gpus: number, {gigabits, seconds}: (typeof LINKS)[number]): number {
  const machines = gpus / GPUS_PER_MACHINE;
  const ring = (members: number) => (2 * (members - 1)) / members;
  const inside = (ring(GPUS_PER_MACHINE) * megabytes) / (INSIDE_GB * 1e3);
  const between = ((ring(machines) * megabytes) / (gigabits * 1e3)) * 8;
  const latency = 2 * (Math.log2(GPUS_PER_MACHINE) * INSIDE_SECONDS + Math.log2(machines) * seconds);
  return inside + between + latency;
}

/** The images per second of `gpus`, as a share of those of as many that need not wait for any sum. */
export function efficiency(gpus: number, bytes: 2 | 4, link: (typeof LINKS)[number]): number {
  const megabytes = (GRADIENTS_MB * bytes) / 4;
  const buckets = Math.ceil(megabytes / BUCKET_MB);
  const backward = STEP_SECONDS * BACKWARD_SHARE;
  let free = 0;
  for (let i = 1; i <= buckets; i++) {
    const ready = (backward * i) / buckets;
    free = Math.max(free, ready) + sumSeconds(megabytes / buckets, gpus, link);
  }
  // Before the backward pass, the numbers of samples are summed; after the step, whether the run ends.
  const small = 2 * sumSeconds(0, gpus, link);
  return STEP_SECONDS / (STEP_SECONDS - backward + free + small);
}

export function scalingTable(): string {
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const rows = LINKS.flatMap((link) =>
    ([4, 2] as const).map((bytes) => [
      link.name,
      bytes === 4 ? 'float32' : 'bfloat16',
      ...SIZES.map((gpus) => percent(efficiency(gpus, bytes, link))),
    ]),
  );
  const head = ['between machines of 8 GPUs', 'gradients', ...SIZES.map((gpus) => `${gpus.toLocaleString('en')} GPUs`)];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) console.log(scalingTable());
