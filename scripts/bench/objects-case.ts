import type {Instance, ModelOptions, RgbImage, Sample} from '../../lib/index.js';

/** One case of `bench-objects.ts`. Both sides read it from DIR/case.json. */
export type ObjectsCase = {
  work: 'train' | 'predict' | 'evaluate';
  /** Number of objects on each image, or of detections. */
  objects: number;
  /** Side of the images in pixels. */
  side: number;
  images: number;
  /** left, top and side of each object's box. The object is the ellipse in it. */
  boxes: [left: number, top: number, side: number][];
  /** A `.safetensors` file in DIR with the network. */
  weights: string;
  /** The resolved options of the network. */
  options: object;
};

/** What a side reports: the least time of its runs, of the clock and of all its threads, and its peak memory. */
export type ObjectsReport = {seconds: number; threadSeconds: number; peakBytes: number};

/** The runs of each side are timed after one that is not, until there are this many or this much time is over. */
export const RUNS = 3;
export const MOST_SECONDS = 60;

/** Prediction has small anchors for small objects, and suppresses nothing: all asked for are there. */
export function modelOptions({work, objects}: Pick<ObjectsCase, 'work' | 'objects'>): ModelOptions {
  const small: ModelOptions = {
    backbone: 'resnet18',
    backboneNorm: 'batch',
    trainableBackboneLayers: 5,
    classes: ['object'],
    minSize: 512,
    device: 'cpu',
    seed: 1,
  };
  if (work !== 'predict') return small;
  return {
    ...small,
    anchorSizes: [[8], [16], [32], [64], [128]],
    boxDetectionsPerImg: objects,
    boxNmsThresh: 1,
    rpnNmsThresh: 1,
    rpnPreNmsTopNTest: 3000,
    rpnPostNmsTopNTest: 3000,
  };
}

/** Objects in a square grid that fills the image, but at most 200 pixels wide. */
export function gridOf(objects: number, side: number): ObjectsCase['boxes'] {
  const columns = Math.ceil(Math.sqrt(objects));
  const cell = side / columns;
  const size = Math.min(200, Math.floor(cell * 0.8));
  return Array.from({length: objects}, (_, i) => [
    Math.floor((i % columns) * cell),
    Math.floor(Math.floor(i / columns) * cell),
    size,
  ]);
}

/** 1 inside of the ellipse that fills a square, else 0. torchvision's side draws the same. */
export function ellipse(side: number): Uint8Array {
  const data = new Uint8Array(side * side);
  const [centre, radius] = [(side - 1) / 2, side / 2];
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [(i % side) - centre, Math.floor(i / side) - centre];
    data[i] = Number(x * x + y * y <= radius * radius);
  }
  return data;
}

export function sampleOf({boxes, side}: ObjectsCase, index: number): Sample {
  const data = new Uint8Array(side * side * 3).fill(60);
  const instances = boxes.map(([left, top, size]): Instance => {
    const mask = {left, top, width: size, height: size, data: ellipse(size)};
    for (let i = 0; i < mask.data.length; i++) {
      if (mask.data[i] === 0) continue;
      const at = ((top + Math.floor(i / size)) * side + left + (i % size)) * 3;
      data.fill(200, at, at + 3);
    }
    return {label: 1, box: [left, top, left + size, top + size], mask};
  });
  const image: RgbImage = {data, width: side, height: side};
  return {file: `image ${index}`, image, instances};
}
