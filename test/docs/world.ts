import {chmod, cp, mkdir, readdir, readFile, symlink, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {decode} from 'fast-png';
import sharp from 'sharp';
import {writeGlandImages} from '../../examples/glands/generate.js';
import {MaskFolder, maskRcnn, readImage} from '../../lib/index.js';
import {readWeights} from '../../lib/weights/read-weights.js';
import {writeWeights} from '../../lib/weights/write-weights.js';
import {writeBmp} from '../image/bmp-writer.js';
import {writeTiff} from '../image/tiff-writer.js';
import {nodeArguments} from '../program.js';
import {tinyModel} from '../tiny.js';
import {root} from './blocks.js';

/**
 * Creates the folder that a reader of the documents works in. It has small drawn versions of their data sets.
 * `start.safetensors` stands in for COCO_V1 and `backbone.safetensors` for IMAGENET1K_V1. This package is available
 * under its name, and so are `npx`, `npm` and `maskrcnn`, which cannot reach anything else.
 */
export async function makeWorld(folder: string): Promise<void> {
  const at = (...parts: string[]) => join(folder, ...parts);
  await mkdir(at('node_modules'), {recursive: true});
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) await symlink(join(root, 'node_modules', name), at('node_modules', name));
  }
  await symlink(root, at('node_modules', 'maskrcnn'));
  await writeFile(at('package.json'), '{"type": "module"}');

  const drawn = at('drawn');
  await writeGlandImages(drawn, 'train', 6, 1);
  await writeGlandImages(drawn, 'testA', 2, 2);
  await mkdir(at('GlaS'));
  for (const name of await readdir(drawn))
    await writeAsBmp(join(drawn, name), at('GlaS', name.replace('.png', '.bmp')));
  const copy = (from: string, to: string) => cp(join(drawn, from), at(to));
  for (const folders of [
    'cells',
    'PennFudanPed/PNGImages',
    'PennFudanPed/PedMasks',
    'annotations',
    ...IMAGE_FOLDERS,
    'photos',
  ]) {
    await mkdir(at(folders), {recursive: true});
  }
  for (const i of [1, 2, 3, 4, 5, 6]) {
    await copy(`train_${i}.png`, `cells/plate_${i}.png`);
    await copy(`train_${i}_anno.png`, `cells/plate_${i}_mask.png`);
    await copy(`train_${i}.png`, `PennFudanPed/PNGImages/FudanPed0000${i}.png`);
    await copy(`train_${i}_anno.png`, `PennFudanPed/PedMasks/FudanPed0000${i}_mask.png`);
    for (const folder of IMAGE_FOLDERS) await copy(`train_${i}.png`, `${folder}/train_${i}.png`);
    await sharp(join(drawn, `train_${i}.png`))
      .jpeg()
      .toFile(at(`photos/${i}.jpg`));
  }
  await writePlates(at);
  const coco = await boxesAsCoco(drawn);
  for (const name of COCO_FILES) await writeFile(at(name), JSON.stringify(coco));
  await writeTools(at, coco);
  await writeFile(at('corrected.json'), JSON.stringify(asLabelStudio(coco)));
  const results = coco.annotations.map(({image_id, category_id, bbox}) => ({image_id, category_id, bbox, score: 0.9}));
  await writeFile(at('results.json'), JSON.stringify(results));

  await writeStart(at);
  await writePrograms(at);
}

const IMAGE_FOLDERS = ['images', 'train', 'val', 'val2017', 'scans'];
const COCO_FILES = [
  ...['annotations/train.json', 'annotations/val.json', 'annotations/instances_val2017.json'],
  ...['instances_train.json', 'instances_val.json', 'instances_val2017.json'],
];

type At = (...parts: string[]) => string;

/** Writes the initial weights. */
async function writeStart(at: At): Promise<void> {
  await using model = await maskRcnn({...tinyModel, classes: ['gland']});
  await model.save(at('start.safetensors'));
  await model.save(at('maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth'));
  const {tensors} = await readWeights(at('start.safetensors'));
  const body = 'backbone.body.';
  const classifier = [...tensors].flatMap(([name, tensor]) =>
    name.startsWith(body) ? [[name.slice(body.length), tensor] as const] : [],
  );
  await writeWeights(at('backbone.safetensors'), new Map(classifier), {});
}

/** Writes `npx`, `npm` and `maskrcnn`. They exit with a special code if asked for anything that a test must not do. */
async function writePrograms(at: At): Promise<void> {
  const {scripts} = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const cli = `exec "${process.execPath}" "${join(root, 'dist', 'cli', 'main.js')}" "$@"`;
  const start = (path: string) => `exec ${[process.execPath, ...nodeArguments(path)].map(quoted).join(' ')} "$@"`;
  const run = (name: string) => {
    const script = /^tsx (\S+)$/.exec(scripts[name])![1]!;
    return `'run ${name}') shift 2; [ "$1" = -- ] && shift; ${start(script)} ;;`;
  };
  const examples = (await readdir(join(root, 'examples'))).filter((name) => name.endsWith('.ts'));
  const programs = {
    maskrcnn: cli,
    npx: `case "$1 $2" in
  'maskrcnn '*) shift; ${cli} ;;
  ${examples.map((name) => `'tsx examples/${name}') shift 2; ${start(`examples/${name}`)} ;;`).join('\n  ')}
  *) echo "npx $1 $2 is not for a test" >&2; exit 9 ;;
esac`,
    npm: `case "$1 $2" in
  ${run('bench:loader')}
  ${run('bench:stages')}
  *) echo "npm $1 $2 is not for a test" >&2; exit 9 ;;
esac`,
  };
  await mkdir(at('bin'));
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(at('bin', name), `#!/bin/sh\n${text}\n`);
    await chmod(at('bin', name), 0o755);
  }
}

const quoted = (text: string) => `"${text}"`;

async function writeAsBmp(from: string, to: string): Promise<void> {
  const {data, width, height, channels} = decode(await readFile(from));
  const value = (x: number, y: number, c: number) => data[(y * width + x) * channels + c]!;
  const pixel = (x: number, y: number) =>
    channels === 1 ? value(x, y, 0) : (value(x, y, 0) << 16) | (value(x, y, 1) << 8) | value(x, y, 2);
  await writeFile(to, writeBmp({width, height, bits: channels === 1 ? 8 : 24, pixel}));
}

/** Writes the drawn training images as stacks of two pages, of grey in 12 of 16 bits, and a stack of channels. */
async function writePlates(at: At): Promise<void> {
  await mkdir(at('plates'));
  for (const i of [1, 2, 3, 4, 5, 6]) {
    const {data: rgb, width, height} = await readImage(at('drawn', `train_${i}.png`));
    const data = Uint16Array.from({length: width * height}, (_, pixel) => rgb[pixel * 3]! * 16);
    const page = {width, height, data};
    await writeFile(at('plates', `plate_${i}.tif`), writeTiff([page, page]));
    await cp(at('drawn', `train_${i}_anno.png`), at('plates', `plate_${i}_mask.png`));
  }
  const description = 'ImageJ=1.54f\nimages=6\nchannels=3\nslices=2\n';
  const pages = Array.from({length: 6}, (_, page) => ({
    width: 8,
    height: 8,
    data: new Uint16Array(64).map((_, i) => i * page),
  }));
  await mkdir(at('stacks'));
  await writeFile(
    at('stacks', 'cells.tif'),
    writeTiff(pages.map((page, i) => (i === 0 ? {...page, description} : page))),
  );
}

type DrawnCoco = Awaited<ReturnType<typeof boxesAsCoco>>;

/** The same as exports of LabelMe and Roboflow. */
async function writeTools(at: At, coco: DrawnCoco): Promise<void> {
  await mkdir(at('labelme'), {recursive: true});
  for (const {id, file_name: name, width, height} of coco.images) {
    const shapes = coco.annotations.flatMap(({image_id, bbox: [x, y, w, h]}) =>
      image_id === id
        ? [
            {
              label: 'gland',
              shape_type: 'rectangle',
              points: [
                [x, y],
                [x! + w!, y! + h!],
              ],
            },
          ]
        : [],
    );
    await cp(at('drawn', name), at('labelme', name));
    const file = {version: '5.5.0', shapes, imagePath: name, imageWidth: width, imageHeight: height};
    await writeFile(at('labelme', name.replace('.png', '.json')), JSON.stringify(file));
  }
  for (const split of ['train', 'valid']) {
    for (const {file_name: name} of coco.images) await cp(at('drawn', name), at('roboflow', split, name));
    await writeFile(at('roboflow', split, '_annotations.coco.json'), JSON.stringify(coco));
  }
}

/** The same as Label Studio exports it: polygons in percent. */
function asLabelStudio({images, annotations}: Awaited<ReturnType<typeof boxesAsCoco>>) {
  return images.map(({id, file_name, width, height}) => {
    const own = annotations.filter(({image_id}) => image_id === id);
    const result = own.map(({id: number, bbox: [x, y, w, h]}) => {
      const corners = [
        [x, y],
        [x! + w!, y],
        [x! + w!, y! + h!],
        [x, y! + h!],
      ];
      const points = corners.map(([left, top]) => [(100 * left!) / width, (100 * top!) / height]);
      const size = {original_width: width, original_height: height};
      const value = {points, polygonlabels: ['gland']};
      return {id: String(number), from_name: 'polygon', to_name: 'image', type: 'polygonlabels', ...size, value};
    });
    return {id, data: {image: `/data/local-files/?d=scans/${file_name}`}, annotations: [{id, result}]};
  });
}

/** The drawn training images as a data set in COCO format, in which each object's mask is its box. */
async function boxesAsCoco(drawn: string) {
  const data = await MaskFolder.open(drawn, {classes: ['gland'], include: 'train_*'});
  const images = [];
  const annotations: {id: number; image_id: number; category_id: number; bbox: number[]}[] = [];
  for (let i = 0; i < data.length; i++) {
    const {file, image, instances} = await data.get(i);
    const {width, height} = image;
    images.push({id: i + 1, file_name: file.slice(drawn.length + 1), width, height});
    for (const {box} of instances) {
      const [x0, y0, x1, y1] = box;
      const [w, h] = [x1 - x0, y1 - y0];
      const segmentation = [[x0, y0, x1, y0, x1, y1, x0, y1]];
      const place = {id: annotations.length + 1, image_id: i + 1, category_id: 1};
      const object = {...place, bbox: [x0, y0, w, h], area: w * h, iscrowd: 0, segmentation};
      annotations.push(object);
    }
  }
  return {images, annotations, categories: [{id: 1, name: 'gland'}]};
}
