import {createHash} from 'node:crypto';
import {existsSync, readFileSync} from 'node:fs';
import test from 'ava';
import type {BackboneName, ParameterInfo} from '../../binding.js';
import {loadBinding} from '../../lib/addon/binding.js';
import {BACKBONE_NAMES} from '../../lib/model/backbones.js';
import {completeModelOptions} from '../../lib/model/complete-options.js';
import type {ModelOptions} from '../../lib/model/options.js';

// The lists in test/fixtures/keys come from torchvision: see scripts/fixtures/keys.py.
const fixtures = new URL('../fixtures/keys/', import.meta.url);
const sharedList = new URL('../../../shared/reference/maskrcnn_resnet50_fpn.keys.txt', import.meta.url);

async function parameters(options: ModelOptions): Promise<ParameterInfo[]> {
  const circumstances = {pretrained: true, cocoV1: false, numClasses: 91, device: 'cpu', threads: 2};
  const {Model} = await loadBinding();
  const model = await Model.create(completeModelOptions(options, circumstances).options);
  try {
    return model.parameters();
  } finally {
    model.dispose();
  }
}

/** A tensor in the format of `scripts/fixtures/keys.py`. */
const line = ({name, shape}: ParameterInfo) => `${name} ${shape.join(',') || 'scalar'}`;

const read = (file: URL) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((text) => text !== '' && !text.startsWith('#'));

const table = (name: string) => read(new URL(name, fixtures)).map((text) => text.split(' '));

const LISTED: [BackboneName, 1 | 2][] = [
  ['resnet50', 1],
  ['resnet50', 2],
  ['resnet18', 1],
  ['resnext50_32x4d', 1],
  ['mobilenet_v2', 1],
  ['mobilenet_v3_large', 1],
];

for (const [backbone, version] of LISTED) {
  test.serial(`${backbone}, version ${version}: torchvision's names and shapes, in its order`, async (t) => {
    const ours = (await parameters({backbone, version})).map(line);
    t.deepEqual(ours, read(new URL(`${backbone}_v${version}.txt`, fixtures)));
  });
}

test.serial('version 1 has the 307 names and shapes of the reference list', async (t) => {
  if (!existsSync(sharedList)) {
    t.log('The shared reference list is not beside this checkout.');
    t.pass();
    return;
  }
  const expected = read(sharedList);
  t.is(expected.length, 307);
  t.deepEqual((await parameters({})).map(line).sort(), expected.sort());
});

test.serial('every backbone has the names and shapes that torchvision gives it', async (t) => {
  const rows = table('backbones.txt');
  t.deepEqual(
    rows.map(([name]) => name),
    BACKBONE_NAMES,
  );
  for (const [name, count, digest = ''] of rows) {
    const ours = (await parameters({backbone: name as BackboneName})).map((info) => `${line(info)}\n`);
    t.is(ours.length, Number(count), name);
    t.is(createHash('sha256').update(ours.join('')).digest('hex'), digest, name);
  }
});

test.serial("without masks, the names and shapes of torchvision's Faster R-CNN", async (t) => {
  const rows = table('fasterrcnn.txt');
  t.is(rows.length, 3);
  for (const [backbone, version, count, digest = ''] of rows) {
    const options = {backbone: backbone as BackboneName, version: Number(version) as 1 | 2, masks: 'none'} as const;
    const ours = (await parameters({...options, backboneNorm: 'batch'})).map((info) => `${line(info)}\n`);
    t.is(ours.length, Number(count), backbone);
    t.is(createHash('sha256').update(ours.join('')).digest('hex'), digest, backbone);
  }
});

for (const backbone of ['resnet50', 'resnet18', 'mobilenet_v2', 'mobilenet_v3_large'] as const) {
  test.serial(`${backbone}: trainableBackboneLayers trains what it trains in torchvision`, async (t) => {
    for (const row of table('trainable.txt').filter(([name]) => name === backbone)) {
      const [, norm, layers, children = '', tensors, numbers] = row;
      const all = await parameters({
        backbone,
        backboneNorm: norm as 'frozen' | 'batch',
        trainableBackboneLayers: Number(layers),
      });
      const trained = all.filter((info) => info.trainable);
      t.is(trainedChildren(all).join(',') || '-', children, row.join(' '));
      t.is(trained.length, Number(tensors), row.join(' '));
      t.is(
        trained.reduce((sum, {shape}) => sum + shape.reduce((product, side) => product * side, 1), 0),
        Number(numbers),
        row.join(' '),
      );
    }
  });
}

test.serial('buffers are never trainable, and frozen batch norm has four of them', async (t) => {
  const all = await parameters({backbone: 'resnet18', trainableBackboneLayers: 5});
  t.deepEqual(
    all.filter(({kind, trainable}) => kind === 'buffer' && trainable),
    [],
  );
  t.deepEqual(
    all.filter(({name}) => name.startsWith('backbone.body.bn1.')).map(({name, kind}) => `${kind} ${name}`),
    ['weight', 'bias', 'running_mean', 'running_var'].map((name) => `buffer backbone.body.bn1.${name}`),
  );
});

test.serial('layers after the last returned one are dropped', async (t) => {
  const children = async (options: ModelOptions) =>
    new Set((await parameters(options)).map(({name}) => name.match(/^backbone\.body\.(\w+)/)?.[1]).filter(Boolean));
  t.deepEqual(
    [...(await children({backbone: 'resnet18', returnedLayers: [2, 3]}))],
    ['conv1', 'bn1', 'layer1', 'layer2', 'layer3'],
  );
  t.is((await children({backbone: 'mobilenet_v2', returnedLayers: [1, 3]})).size, 8); // its fourth stage is layer '7'
});

/** The children of the body that are trained with all their parameters. */
function trainedChildren(all: ParameterInfo[]): string[] {
  const children = new Map<string, boolean>();
  for (const {name, kind, trainable} of all) {
    const child = name.match(/^backbone\.body\.(\w+)/)?.[1];
    if (child === undefined || kind === 'buffer') continue;
    children.set(child, trainable && (children.get(child) ?? true));
  }
  return [...children].filter(([, trained]) => trained).map(([child]) => child);
}
