/**
 * Loads libtorch and the addon and runs the core operations of the package. `examine()` starts it as a separate
 * program, so that a broken library crashes this process and not the caller's.
 */
import {type Binding, loadRuntime} from '../addon/binding.js';
import {loadOperators, type Obstacle, prepareCuda} from '../addon/device.js';
import {MaskRcnnError} from '../basics/errors.js';
import {findOperators} from '../libtorch/operators.js';
import {maskRcnn} from '../model/create.js';

export type SelfTest = {
  environment?: {threads: number; cpuCapability: string; amx: boolean; gpus: number};
  /** Why no GPU can be used. */
  obstacle?: Obstacle;
  /** The checks in the order in which they ran. The first failure ends the list. */
  checks: {name: string; seconds: number; error?: string}[];
};

const result: SelfTest = {checks: []};

async function check(name: string, run: () => unknown): Promise<void> {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  try {
    await run();
    result.checks.push({name, seconds: seconds()});
  } catch (error) {
    const text = error instanceof MaskRcnnError ? error.message : String((error as Error).stack ?? error);
    result.checks.push({name, seconds: seconds(), error: text});
    report();
    process.exit(0);
  }
}

function report(): void {
  console.log(JSON.stringify(result));
}

function expectEqual(actual: ArrayLike<number>, expected: readonly number[], name: string): void {
  const list = Array.from(actual);
  if (list.length === expected.length && list.every((value, i) => Math.abs(value - expected[i]!) < 1e-5)) return;
  throw new Error(`${name} must give [${expected.join(', ')}], got [${list.join(', ')}]`);
}

await check('loading', async () => {
  result.environment = (await loadRuntime()).binding.environment();
});
const loaded = await loadRuntime();
const {binding, libtorch} = loaded;

function checkOperators({nms, roiAlign}: Pick<Binding['ops'], 'nms' | 'roiAlign'>): void {
  const boxes = Float32Array.of(0, 0, 10, 10, 1, 1, 10, 10, 20, 20, 30, 30);
  expectEqual(nms(boxes, Float32Array.of(0.8, 0.9, 0.7), 0.5), [1, 2], 'NMS');
  // A feature map whose values increase by 1 per column, so the mean of each cell is the column of the cell's centre.
  const ramp = Float32Array.from({length: 16}, (_, i) => i % 4);
  const options = {spatialScale: 1, outputSize: 2, samplingRatio: 2};
  const pooled = roiAlign(ramp, [1, 1, 4, 4], Float32Array.of(0, 0, 0, 2, 2), options);
  expectEqual(pooled, [0.5, 1.5, 0.5, 1.5], 'ROIAlign');
}

await check('operators', () => {
  checkOperators(binding.ops);
  const counts = binding.rle.encode(Uint8Array.of(0, 1, 1, 0), 2, 2);
  expectEqual(binding.rle.decode(counts, 2, 2), [0, 1, 1, 0], 'Run lengths');
});

// An incompatible library may crash the process here.
if ((await findOperators(libtorch.root)) !== undefined) {
  await check("torchvision's operators", async () => {
    const obstacle = await loadOperators(loaded);
    if (obstacle !== undefined) throw new Error(obstacle.problem);
    checkOperators(binding.torchvisionOps);
  });
}
const obstacle = await prepareCuda(loaded);
if (obstacle !== undefined) result.obstacle = obstacle;

await check('network', async () => {
  await using model = await maskRcnn({backbone: 'resnet18', classes: ['object'], minSize: 64, maxSize: 64});
  const image = {data: new Uint8Array(64 * 64 * 3).fill(128), width: 64, height: 64};
  const [found] = await model.predict(image);
  if (!found!.scores.every((score) => score >= 0 && score <= 1)) throw new Error('its scores are not within 0..1');
});

report();
