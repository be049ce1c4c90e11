import {execFile} from 'node:child_process';
import {readdir, readFile, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {writeGlandImages} from '../../examples/glands/generate.js';
import {maskRcnn} from '../../lib/index.js';
import {python, pythonHas} from '../python.js';
import {tinyModel} from '../tiny.js';
import {runExample, temporaryFolder} from './run-example.js';

const withPython = pythonHas(['torch', 'torchvision'], 'load.py of export-to-python.ts')
  ? test.serial
  : test.serial.skip;

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);

test.before(async () => {
  folder = await temporaryFolder();
  await using model = await maskRcnn({...tinyModel, classes: ['gland'], boxNmsThresh: 0.4, device: 'cpu'});
  await model.save(at('weights.safetensors'));
  const {code, stderr} = await runExample('export-to-python', at('weights.safetensors'), '--output', at('export'));
  if (code !== 0) throw new Error(stderr);
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

test.serial('export-to-python.ts writes weights, and a program with the options of the network', async (t) => {
  t.deepEqual((await readdir(at('export'))).sort(), ['load.py', 'weights.pth']);
  const program = await readFile(at('export', 'load.py'), 'utf8');
  for (const part of ['backbone_name="resnet18"', 'CLASSES = ["background","gland"]', 'box_nms_thresh=0.4']) {
    t.true(program.includes(part), part);
  }
});

withPython('load.py finds in Python what predict() finds here', async (t) => {
  await writeGlandImages(at('images'), 'slide', 1, 3);
  const image = at('images', 'slide_1.png');
  const {stdout} = await promisify(execFile)(python, [at('export', 'load.py'), image]);
  const inPython = stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [, file, name, score, box] = /^(.+) (\S+) ([\d.]+) (\[.*\])$/.exec(line)!;
      return {file, name, score: Number(score), box: JSON.parse(box!) as number[]};
    });

  await using model = await maskRcnn({weights: at('weights.safetensors'), device: 'cpu'});
  const [found] = await model.predict(image, {scoreThreshold: 0.05});
  t.true(found!.scores.length > 0);
  t.is(inPython.length, found!.scores.length);
  for (const [i, {file, name, score, box}] of inPython.entries()) {
    t.is(file, image);
    t.is(name, found!.classNames[i]);
    t.true(Math.abs(score - found!.scores[i]!) < 1e-3, `score ${score}, here ${found!.scores[i]}`);
    const here = found!.boxes.slice(4 * i, 4 * i + 4);
    // load.py rounds to a tenth of a pixel.
    t.true(
      box.every((value, side) => Math.abs(value - here[side]!) < 0.1),
      `box ${box}, here ${here}`,
    );
  }
});
