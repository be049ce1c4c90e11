/**
 * What tiles do to what a network finds, on mosaics of real images:
 *
 *   npx tsx scripts/mosaics.ts GlaS --weights runs/glas/last.safetensors [--include 'testA_*'] [--images 24]
 *                             [--tile 1024]
 *
 * GlaS is a folder of images and masks. Prints tables in Markdown:
 *
 * - with blank gaps between the images: how well the objects fit those of the images one by one;
 * - without gaps: scores of the objects away from the seams of the mosaic, beside those of the images one by one;
 * - how many objects are others when the grid of tiles moves by half a tile;
 * - the same for a network that finds exactly the annotated objects.
 *
 * The network sees everything at the scale at which it was trained. Two objects fit if the intersection of their masks
 * is more than half of the union.
 */
import {parseArgs} from 'node:util';
import {
  type Detections,
  detectionsOfTiles,
  encodeRle,
  MaskFolder,
  type MaskRcnn,
  maskRcnn,
  type PlacedMask,
  predictTiles,
  type RegionSource,
  type RgbImage,
  type Rle,
  regionsOfImage,
  rleIou,
  type TiledObject,
  type TilePredictor,
  wholeImageRle,
} from '../lib/index.js';
import {draw, type Placed, place} from './mosaics/mosaic.js';
import {perfectNetwork} from './mosaics/perfect-network.js';

const {values, positionals} = parseArgs({
  allowPositionals: true,
  options: {
    weights: {type: 'string'},
    include: {type: 'string', default: 'testA_*'},
    images: {type: 'string', default: '24'},
    tile: {type: 'string', default: '1024'},
    overlaps: {type: 'string', default: '0,64,128,256,512'},
    threshold: {type: 'string', default: '0.5'},
  },
});
const [folder] = positionals;
if (folder === undefined || values.weights === undefined) throw new Error('Say the folder and --weights.');
const tile = Number(values.tile);
const scoreThreshold = Number(values.threshold);
const overlaps = values.overlaps.split(',').map(Number);
/** Objects that reach a seam of the mosaic by this many pixels are not compared: there the tissue changes. */
const MARGIN = 4;

type Size = {width: number; height: number};
type Box = readonly [x0: number, y0: number, x1: number, y1: number];
type Found = {box: Box; score: number; rle: Rle};

const data = await MaskFolder.open(folder, {include: [values.include], classes: ['gland']});
const indices = Array.from({length: Math.min(Number(values.images), data.length)}, (_, i) => i);
const samples = await Promise.all(indices.map((i) => data.get(i)));
const images = samples.map(({image}) => image);
const columns = Math.ceil(Math.sqrt(images.length));

await using trained = await maskRcnn({weights: values.weights});
const {minSize} = trained.options;
const sides = images.map(({width, height}) => Math.min(width, height)).sort((a, b) => a - b);
const trainedSide = sides[Math.floor(sides.length / 2)]!;
const scale = (Array.isArray(minSize) ? minSize.at(-1)! : minSize) / trainedSide;
/** Each tile is seen at the scale of the training, and so is each image alone. */
const side = Math.round(tile * scale);
await using forTiles = await maskRcnn({weights: values.weights, minSize: side, maxSize: 4 * side});
/** Resizes an image by the same factor as the tiles. */
const sized = ({width, height}: Size) =>
  maskRcnn({weights: values.weights!, fixedSize: [Math.round(width * scale), Math.round(height * scale)]});

async function alone({image, left, top}: Placed, {width, height}: Size): Promise<Found[]> {
  await using model = await sized(image);
  const [found] = await model.predict(image, {scoreThreshold});
  return Promise.all(
    found.masks.map(async (rle, i) => ({
      box: moved([...found.boxes.subarray(4 * i, 4 * i + 4)] as unknown as Box, left, top),
      score: found.scores[i]!,
      rle: await wholeImageRle({left, top, rle}, width, height),
    })),
  );
}

const moved = ([x0, y0, x1, y1]: Box, dx: number, dy: number): Box => [x0 + dx, y0 + dy, x1 + dx, y1 + dy];

async function tiled(model: TilePredictor, source: RegionSource, overlap: number): Promise<Found[]> {
  const objects: TiledObject[] = [];
  for await (const object of predictTiles(model, source, {size: tile, overlap, scoreThreshold})) objects.push(object);
  const found: Detections = await detectionsOfTiles(objects, source);
  return found.masks.map((rle, i) => ({
    box: [...found.boxes.subarray(4 * i, 4 * i + 4)] as unknown as Box,
    score: found.scores[i]!,
    rle,
  }));
}

/** Finds the objects of an image in tiles. `shift`: where the mosaic begins in it. */
type Tiled = (source: RegionSource, overlap: number, shift?: number) => Promise<Found[]>;

const tilesOf =
  (model: MaskRcnn): Tiled =>
  (source, overlap) =>
    tiled(model, source, overlap);

/** Pairs of masks that fit, the best first, each mask once. */
async function pairs(a: readonly Found[], b: readonly Found[]): Promise<{i: number; j: number; iou: number}[]> {
  const table = await rleIou(
    a.map(({rle}) => rle),
    b.map(({rle}) => rle),
  );
  const all = table.flatMap((row, i) => row.map((iou, j) => ({i, j, iou}))).filter(({iou}) => iou > 0.5);
  all.sort((x, y) => y.iou - x.iou);
  const [usedA, usedB] = [new Set<number>(), new Set<number>()];
  return all.filter(({i, j}) => {
    if (usedA.has(i) || usedB.has(j)) return false;
    usedA.add(i);
    usedB.add(j);
    return true;
  });
}

const f1 = (hits: number, a: number, b: number) => (2 * hits) / Math.max(1, a + b);
const digits = (value: number) => value.toFixed(3);
const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/**
 * Each image lies in one tile, and no other tile sees anything of it. So tiles must find what the network finds in
 * white squares of the tile's size with the images in them. How much that differs from the images without a square,
 * and from tiles that cut the images, says how much the network changes its mind by itself.
 */
async function withGaps(): Promise<string> {
  const overlap = 64;
  const stride = tile - overlap;
  const width = columns * stride + overlap;
  const height = Math.ceil(images.length / columns) * stride + overlap;
  const squares = images.map((image, i): Placed => {
    const place = {image, left: Math.floor((tile - image.width) / 2), top: Math.floor((tile - image.height) / 2)};
    const square = draw({placed: [place], width: tile, height: tile});
    return {image: square, left: (i % columns) * stride, top: Math.floor(i / columns) * stride};
  });
  const placed = images.map((image, i): Placed => {
    const {left, top} = squares[i]!;
    return {image, left: left + Math.floor((tile - image.width) / 2), top: top + Math.floor((tile - image.height) / 2)};
  });
  const source = regionsOfImage(draw({placed, width, height}), 'mosaic');
  const all = async (these: readonly Placed[]) =>
    (await Promise.all(these.map((one) => alone(one, {width, height})))).flat();
  const expected = await all(squares);
  const rowOf = async (name: string, found: readonly Found[]) => {
    const fitting = await pairs(found, expected);
    const mean = fitting.reduce((sum, {iou}) => sum + iou, 0) / fitting.length;
    return [name, found.length, digits(f1(fitting.length, found.length, expected.length)), digits(mean)];
  };
  const rows = [
    ['each image in a white square', expected.length, '', ''],
    await rowOf('tiles that each have one image', await tiled(forTiles, source, overlap)),
    await rowOf('each image without a square', await all(placed)),
    await rowOf('tiles that cut images, overlap 256', await tiled(forTiles, source, 256)),
  ];
  return table(['', 'objects', 'F1 beside the first line', 'mean IoU of pairs'], rows);
}

/** Whether a box keeps away from the edges of the small images. */
function isAway([x0, y0, x1, y1]: Box, placed: readonly Placed[]): boolean {
  return placed.some(({image, left, top}) => {
    const [right, bottom] = [left + image.width - MARGIN, top + image.height - MARGIN];
    return x0 >= left + MARGIN && y0 >= top + MARGIN && x1 <= right && y1 <= bottom;
  });
}

async function withoutGaps(): Promise<string> {
  const mosaic = place(images, columns);
  const source = regionsOfImage(draw(mosaic), 'mosaic');
  const truth: Found[] = [];
  const places: PlacedMask[] = [];
  for (const [i, {left, top}] of mosaic.placed.entries()) {
    for (const {box, mask} of samples[i]!.instances) {
      const {data: bitmap, width, height} = mask!;
      const own = {left: left + mask!.left, top: top + mask!.top, rle: await encodeRle(bitmap, width, height)};
      const rle = await wholeImageRle(own, mosaic.width, mosaic.height);
      places.push(own);
      truth.push({box: moved(box, left, top), score: 1, rle});
    }
  }
  const away = (objects: readonly Found[]) => objects.filter(({box}) => isAway(box, mosaic.placed));
  const expected = away(truth);
  const rowOf = async (name: string | number, all: readonly Found[], more: readonly (string | number)[]) => {
    const found = away(all);
    const fitting = await pairs(found, expected);
    const precision = averagePrecision(found, new Set(fitting.map(({i}) => i)), expected.length);
    return [name, found.length, digits(precision), digits(f1(fitting.length, found.length, expected.length)), ...more];
  };
  const singles = (await Promise.all(mosaic.placed.map((one) => alone(one, mosaic)))).flat();
  const rows = [await rowOf('image by image', singles, [await doubles(singles), ''])];
  for (const overlap of overlaps) {
    const by = tilesOf(forTiles);
    const found = await by(source, overlap);
    rows.push(await rowOf(overlap, found, [await doubles(found), digits(await changed(by, found, source, overlap))]));
  }
  for (const overlap of overlaps) {
    const by: Tiled = (other, overlap, shift = 0) => {
      const objects = places.map((one) => ({...one, left: one.left + shift, top: one.top + shift}));
      const perfect = perfectNetwork(objects, other);
      return tiled(perfect.model, perfect.source, overlap);
    };
    const found = await by(source, overlap);
    const more = [await doubles(found), digits(await changed(by, found, source, overlap))];
    rows.push(await rowOf(`${overlap}, perfect network`, found, more));
  }
  const title = `${expected.length} objects away from the seams of the mosaic of ${mosaic.width} × ${mosaic.height} pixels`;
  return `${title}\n\n${table(['overlap', 'found', 'AP50', 'object F1', 'doubled', 'others when the grid moves'], rows)}`;
}

/** Average precision at an IoU of 0.5: the area below precision over recall, as all points give it. */
function averagePrecision(found: readonly Found[], hits: ReadonlySet<number>, of: number): number {
  const order = [...found.keys()].sort((a, b) => found[b]!.score - found[a]!.score);
  let right = 0;
  const points = order.map((index, rank) => {
    if (hits.has(index)) right++;
    return {precision: right / (rank + 1), isHit: hits.has(index)};
  });
  for (let i = points.length - 2; i >= 0; i--) {
    points[i]!.precision = Math.max(points[i]!.precision, points[i + 1]!.precision);
  }
  return points.reduce((sum, {precision, isHit}) => sum + (isHit ? precision / of : 0), 0);
}

/** How many objects are, by more than half, inside of another one with a higher score. */
async function doubles(found: readonly Found[]): Promise<number> {
  const masks = found.map(({rle}) => rle);
  const inside = await rleIou(
    masks,
    masks,
    masks.map(() => true),
  );
  return inside.filter((row, i) => row.some((share, j) => i !== j && share > 0.5 && found[j]!.score > found[i]!.score))
    .length;
}

/** The share of objects that have no partner when the grid begins half a tile outside of the image. */
async function changed(by: Tiled, found: readonly Found[], source: RegionSource, overlap: number) {
  const {width, height} = source;
  const shift = Math.floor(tile / 2);
  const whole = await source.read({left: 0, top: 0, width, height});
  const larger = {width: width + shift, height: height + shift};
  const image: RgbImage = draw({placed: [{image: whole, left: shift, top: shift}], ...larger});
  const other = await by(regionsOfImage(image, 'moved'), overlap, shift);
  const same = await Promise.all(
    found.map(async (one) => ({
      ...one,
      rle: await wholeImageRle({left: shift, top: shift, rle: one.rle}, larger.width, larger.height),
    })),
  );
  const fitting = await pairs(same, other);
  return 1 - f1(fitting.length, same.length, other.length);
}

console.log(
  `${images.length} images, tiles of ${tile} pixels, which the network sees as ${side}, scores above ${scoreThreshold}\n`,
);
console.log(`With gaps\n\n${await withGaps()}\n`);
console.log(`Without gaps: ${await withoutGaps()}`);
