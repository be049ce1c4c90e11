import {createHash} from 'node:crypto';
import {mkdir, writeFile} from 'node:fs/promises';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {join} from 'node:path';
import test from 'ava';
import {cocoCategories} from '../../lib/weights/coco-categories.js';
import {findRegistered, registeredFor, registry} from '../../lib/weights/registry.js';
import {resolveWeights, weightsFolder} from '../../lib/weights/resolve-weights.js';
import {temporaryFolder} from './files.js';

const resnet50 = {kind: 'backbone', backbone: 'resnet50', version: 1} as const;
const detector = {kind: 'detector', backbone: 'resnet50', version: 1} as const;

test('every backbone has weights, every file a digest', (t) => {
  t.is(registry.length, 26);
  t.is(new Set(registry.map(({name}) => name)).size, 26);
  t.is(new Set(registry.filter(({kind}) => kind === 'backbone').map(({backbone}) => backbone)).size, 12);
  for (const {file, sha256} of registry) t.true(/^[0-9a-f]{8}$/.test(sha256) && file.endsWith(`-${sha256}.pth`));
});

test("torchvision's names find its files", (t) => {
  const file = (name: string, model: Parameters<typeof findRegistered>[1]) => findRegistered(name, model)?.file;
  t.is(file('COCO_V1', detector), 'maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth');
  t.is(file('DEFAULT', {...detector, version: 2}), 'maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth');
  t.is(
    file('MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1', {...detector, version: 2}),
    'maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth',
  );
  t.is(file('IMAGENET1K_V1', resnet50), 'resnet50-0676ba61.pth');
  t.is(file('DEFAULT', resnet50), 'resnet50-11ad3fa6.pth');
  t.is(file('ResNet50_Weights.DEFAULT', resnet50), 'resnet50-11ad3fa6.pth');
  t.is(file('ResNet50_Weights.IMAGENET1K_V1', {...resnet50, version: 2}), 'resnet50-0676ba61.pth');
  t.is(file('DEFAULT', {...resnet50, backbone: 'resnet18'}), 'resnet18-f37072fd.pth');
  t.is(file('ResNet18_Weights.IMAGENET1K_V1', resnet50), undefined);
  t.is(file('MaskRCNN_ResNet50_FPN_Weights.COCO_V1', {...detector, version: 2}), undefined);
  t.is(file('COCO_V1', {...detector, backbone: 'resnet18'}), undefined);
  t.is(file('V1', resnet50), undefined);
});

test('COCO_V1 comes with its classes and the eps that version 1 was trained with', (t) => {
  t.is(cocoCategories.length, 91);
  t.is(cocoCategories[0], '__background__');
  t.is(cocoCategories[1], 'person');
  t.is(cocoCategories[90], 'toothbrush');
  t.is(cocoCategories.filter((name) => name === 'N/A').length, 10);
  const [v1] = registeredFor(detector);
  const [v2] = registeredFor({...detector, version: 2});
  t.deepEqual(v1?.classes, cocoCategories.slice(1));
  t.is(v1?.frozenBatchNormEps, 0);
  t.is(v2?.frozenBatchNormEps, undefined);
});

test.serial('a path is a path', async (t) => {
  const path = join(await temporaryFolder(t), 'mine.pth');
  await writeFile(path, '');
  t.deepEqual(await resolveWeights(path, detector), {path, registered: undefined});
});

test.serial('what is neither file nor name is refused with the names there are', async (t) => {
  await t.throwsAsync(resolveWeights('COCO_V2', detector), {
    code: 'INVALID_OPTION',
    message:
      "'COCO_V2' is neither a file nor the name of detector weights for resnet50 in version 1.\nRegistered are COCO_V1.",
  });
  await t.throwsAsync(resolveWeights('IMAGENET', resnet50), {
    code: 'INVALID_OPTION',
    message: /backbone weights for resnet50\.\nRegistered are IMAGENET1K_V1, IMAGENET1K_V2\.$/,
  });
  await t.throwsAsync(resolveWeights('COCO_V1', {...detector, backbone: 'resnet18'}), {
    code: 'INVALID_OPTION',
    message: /None are registered for resnet18 in version 1: name a file\.$/,
  });
});

test.serial('a file is sought here and at torch.hub, then downloaded, and always checked', async (t) => {
  const folder = await temporaryFolder(t);
  process.env.XDG_CACHE_HOME = join(folder, 'cache');
  process.env.TORCH_HOME = join(folder, 'torch');
  let answer = Buffer.from('not the weights');
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/`;

  // A file with other content in torch.hub's folder is ignored, and so is one in the cache.
  const hub = join(folder, 'torch', 'hub', 'checkpoints');
  await mkdir(hub, {recursive: true});
  await mkdir(weightsFolder(), {recursive: true});
  await writeFile(join(hub, 'resnet50-0676ba61.pth'), 'cut off');
  await writeFile(join(weightsFolder(), 'resnet50-0676ba61.pth'), 'cut off');
  await t.throwsAsync(resolveWeights('IMAGENET1K_V1', {...resnet50, baseUrl}), {
    code: 'CHECKSUM_MISMATCH',
    message: /resnet50-0676ba61\.pth should have a SHA-256 that starts with 0676ba61/,
  });
  t.deepEqual(asked, ['/models/resnet50-0676ba61.pth']);

  // No small file has a registered digest, so give an entry the digest of the response.
  const entry = registry.find(({file}) => file === 'resnet50-11ad3fa6.pth')!;
  const {sha256} = entry;
  t.teardown(() => {
    entry.sha256 = sha256;
  });
  answer = Buffer.from('weights');
  entry.sha256 = createHash('sha256').update(answer).digest('hex').slice(0, 8);
  const progress: number[] = [];
  const downloaded = await resolveWeights('IMAGENET1K_V2', {
    ...resnet50,
    baseUrl,
    onProgress: ({receivedBytes}) => progress.push(receivedBytes),
  });
  t.is(downloaded.path, join(folder, 'cache', 'maskrcnn', 'checkpoints', 'resnet50-11ad3fa6.pth'));
  t.is(downloaded.registered, entry);
  t.is(progress.at(-1), answer.length);
  await resolveWeights('IMAGENET1K_V2', {...resnet50, baseUrl});
  t.is(asked.length, 2);

  process.env.XDG_CACHE_HOME = join(folder, 'other-cache');
  await writeFile(join(hub, 'resnet50-11ad3fa6.pth'), answer);
  t.is((await resolveWeights('IMAGENET1K_V2', {...resnet50, baseUrl})).path, join(hub, 'resnet50-11ad3fa6.pth'));
  t.is(asked.length, 2);
});

test.serial('without a network the error says which file to put where', async (t) => {
  const folder = await temporaryFolder(t);
  process.env.XDG_CACHE_HOME = folder;
  process.env.TORCH_HOME = folder;
  const server = createServer((_request, response) => response.writeHead(403).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await t.throwsAsync(resolveWeights('COCO_V1', {...detector, baseUrl}), {
    code: 'WEIGHTS_UNAVAILABLE',
    message:
      `MaskRCNN_ResNet50_FPN_Weights.COCO_V1 is not on this machine, and ${baseUrl}maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth ` +
      'could not be downloaded: the server answered 403 Forbidden.\n' +
      'Download https://download.pytorch.org/models/maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth on a machine that can, ' +
      `and put it into ${join(folder, 'maskrcnn', 'checkpoints')}.`,
  });
});
