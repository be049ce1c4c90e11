import type {NativeDetections, Model as NativeModel} from '../../binding.js';
import {native} from '../addon/native-errors.js';
import {checkOptions, instanceOf, integer, number, oneOf, type Rule, type Schema} from '../basics/schema.js';
import {type ImageSource, readImage} from '../image/read-image.js';
import type {Rle} from '../masks/rle.js';

/**
 * 'rle': run lengths, as pycocotools takes them; 'bitmap': width × height bytes of 0 and 1 in reading order; 'float': width ×
 * height probabilities 0..1 in reading order; 'none': no masks, which saves their computation.
 */
export type MaskFormat = 'rle' | 'bitmap' | 'float' | 'none';

/** Masks of one image, one per detection. */
export type Masks<F extends MaskFormat = MaskFormat> = {
  rle: Rle[];
  bitmap: Uint8Array[];
  float: Float32Array[];
  none: [];
}[F];

/** The D objects found in one image, in falling order of score. */
export type Detections<F extends MaskFormat = 'rle'> = {
  /** The path or URL given, if one was. */
  file?: string;
  /** Size of the image in pixels. */
  width: number;
  height: number;
  /** D×4: x0, y0, x1, y1 in pixels of the image. */
  boxes: Float32Array;
  /** D: 1 is the first of `model.classes`. */
  labels: Int32Array;
  /** D: the classes by name. */
  classNames: string[];
  /** D: 0..1. */
  scores: Float32Array;
  masks: Masks<F>;
};

/** In how many ways an image is looked at. */
export type Views = 1 | 2 | 4;

/** What `views` may be. */
export const viewsRule: Rule = oneOf(1, 2, 4);

/** What `model.predict()` takes. */
export type PredictOptions<F extends MaskFormat = MaskFormat> = {
  /** Only detections above this score, 0..1. Never below the model's `boxScoreThresh`, which is the default. */
  scoreThreshold?: number;
  /** At most this many per image. Never above the model's `boxDetectionsPerImg`, which is the default. */
  maxDetections?: number;
  /** Default 'rle'. */
  maskFormat?: F;
  /** A pixel belongs to an object from this probability on, 0..1, in 'rle' and 'bitmap'. Default 0.5. */
  maskThreshold?: number;
  /**
   * 2: each image is also seen mirrored left to right; 4: also top to bottom, and both. Proposals of any view are judged in all,
   * and scores, boxes and masks are means over the views (test-time augmentation): slightly better, in as many times the time and
   * memory. Default 1.
   */
  views?: Views;
  /** Images computed together. Default 1, which is fastest on a CPU. With `views` they are computed one by one. */
  batchSize?: number;
  /** Ends the work before the next batch; `predict()` rejects with the signal's reason. */
  signal?: AbortSignal;
};

const share = number({min: 0, max: 1});

const PREDICT: Schema = {
  scoreThreshold: share,
  maxDetections: integer({min: 1}),
  maskFormat: oneOf('rle', 'bitmap', 'float', 'none'),
  maskThreshold: share,
  views: viewsRule,
  batchSize: integer({min: 1}),
  signal: instanceOf(AbortSignal),
};

/** What prediction needs to know of a model. */
export type Predictor = {
  open: () => NativeModel;
  classes: readonly string[];
  options: {boxScoreThresh: number; boxDetectionsPerImg: number};
};

/** Detects the objects of `sources`, decoding each batch while the one before it is computed. */
export async function predict<F extends MaskFormat>(
  {open, classes, options: model}: Predictor,
  sources: readonly ImageSource[],
  options: PredictOptions<F>,
): Promise<Detections<F>[]> {
  checkOptions(options, PREDICT, 'predict()');
  const {batchSize = 1, signal} = options;
  const maskFormat: MaskFormat = options.maskFormat ?? 'rle';
  signal?.throwIfAborted();
  const detectOptions = {
    scoreThreshold: Math.max(options.scoreThreshold ?? 0, model.boxScoreThresh),
    maxDetections: Math.min(options.maxDetections ?? Infinity, model.boxDetectionsPerImg),
    maskFormat,
    maskThreshold: options.maskThreshold ?? 0.5,
    views: options.views ?? 1,
  };

  const read = (start: number) => {
    const batch = sources.slice(start, start + batchSize);
    const images = Promise.all(batch.map((source, i) => readImage(source, {name: `Image ${start + i} of predict()`})));
    images.catch(() => {}); // reported where it is awaited, which a failure before that may prevent
    return images;
  };

  const results: Detections<F>[] = [];
  let next = read(0);
  for (let start = 0; start < sources.length; start += batchSize) {
    const images = await next;
    signal?.throwIfAborted();
    next = read(start + batchSize);
    const batch = await native(() => open().detect(images, detectOptions));
    for (const [i, {boxes, labels, scores, masks}] of batch.entries()) {
      const {width, height} = images[i]!;
      results.push({
        ...fileOf(sources[start + i]!),
        width,
        height,
        boxes,
        labels,
        classNames: Array.from(labels, (label) => classes[label - 1]!),
        scores,
        masks: toMasks(masks, maskFormat, width, height) as Masks<F>,
      });
    }
  }
  signal?.throwIfAborted();
  return results;
}

function fileOf(source: ImageSource): {file?: string} {
  return typeof source === 'string' || source instanceof URL ? {file: String(source)} : {};
}

function toMasks(masks: NativeDetections['masks'], format: MaskFormat, width: number, height: number): Masks {
  switch (format) {
    case 'rle':
      return (masks as string[]).map((counts): Rle => ({size: [height, width], counts}));
    case 'bitmap':
      // They arrive as Buffers, whose slice() and JSON are not a Uint8Array's.
      return (masks as Uint8Array[]).map(({buffer, byteOffset, length}) => new Uint8Array(buffer, byteOffset, length));
    default:
      return masks as Float32Array[] | [];
  }
}
