import {rm} from 'node:fs/promises';
import {type BackboneName, maskRcnn, type Sample, train} from '../../lib/index.js';

/** One case of `bench-memory.ts`, as JSON in the first argument. */
export type MemoryCase = {
  work: 'predict' | 'train';
  backbone: BackboneName;
  minSize: number;
  batchSize: number;
  activationCheckpointing: boolean;
};

const {work, backbone, minSize, batchSize, activationCheckpointing} = JSON.parse(process.argv[2]!) as MemoryCase;
/** The shape of most images of COCO, with twelve objects. */
const [width, height, objects, side] = [640, 480, 12, 100] as const;
const image = {data: Buffer.alloc(width * height * 3, 90), width, height};
const instances = Array.from({length: objects}, (_, i) => {
  const [left, top] = [(i % 4) * 150, Math.floor(i / 4) * 150];
  const mask = {left, top, width: side, height: side, data: new Uint8Array(side * side).fill(1)};
  return {label: 1, box: [left, top, left + side, top + side], mask};
}) as Sample['instances'];

await using model = await maskRcnn({backbone, classes: ['object'], minSize, device: 'cpu'});
const output = `${process.cwd()}/run-${process.pid}`;
if (work === 'predict') {
  for (let i = 0; i < 3; i++)
    await model.predict(
      Array.from({length: batchSize}, () => image),
      {batchSize},
    );
} else {
  const data = {length: 3 * batchSize, classes: ['object'], get: async () => ({file: 'drawn', image, instances})};
  await train(model, {data, batchSize, epochs: 1, activationCheckpointing, log: 'silent', output});
  await rm(output, {recursive: true});
}
console.log(process.resourceUsage().maxRSS);
