import type {NativeDetections, Model as NativeModel} from '../../binding.js';
import {native} from '../addon/native-errors.js';
import {MaskRcnnError} from '../basics/errors.js';
import {checkOptions, instanceOf, integer, number, oneOf, type Rule, type Schema} from '../basics/schema.js';
import {checkNetworkSize} from '../image/network-size.js';
import {PIXEL_OPTIONS, type PixelOptions, pixelOptionsOf} from '../image/pixel-options.js';
import {type ImageSource, readImage} from '../image/read-image.js';
import type {Rle} from '../masks/rle.js';
import type {ResolvedModelOptions} from './options.js';

/**
 * Format of masks. 'rle': COCO's compressed run-length encoding, as pycocotools reads it; 'bitmap': width × height
 * bytes of 0 and 1, row-major; 'float': width × height probabilities in 0..1, row-major; 'none': no masks, which saves
 * their computation.
 */
export type MaskFormat = 'rle' | 'bitmap' | 'float' | 'none';

/** Masks of one image, one per detection. */
export type Masks<F extends MaskFormat = MaskFormat> = {
  rle: Rle[];
  bitmap: Uint8Array[];
  float: Float32Array[];
  none: [];
}[F];

/** The D objects detected in one image, in descending order of score. */
export type Detections<F extends MaskFormat = 'rle'> = {
  /** The path or URL of the image, if it was given as one. */
  file?: string;
  /** Size of the image, in pixels. */
  width: number;
  height: number;
  /** D×4: x0, y0, x1, y1 in pixels of the image. */
  boxes: Float32Array;
  /** D labels. Label 1 is the first of `model.classes`. */
  labels: Int32Array;
  /** D names of the classes. */
  classNames: string[];
  /** D scores, 0..1. */
  scores: Float32Array;
  /** D masks. None if the format is 'none', or if the network has no mask head. */
  masks: Masks<F>;
};

/** Number of views of each image in test-time augmentation: see `PredictOptions`. */
export type Views = 1 | 2 | 4;

/** The rule for the option `views`. */
export const viewsRule: Rule = oneOf(1, 2, 4);

/**
 * Options of `model.predict()`. Those of pixels are for image files and their bytes, and each replaces the model's own
 * (`model.pixels`). Invalid options throw INVALID_OPTION.
 */
export type PredictOptions<F extends MaskFormat = MaskFormat> = {
  /**
   * Only detections with a score above this are returned, 0..1. Default: the model's `boxScoreThresh`, which is also
   * the lowest value that has an effect.
   */
  scoreThreshold?: number;
  /**
   * Maximum number of detections per image. Those with the highest scores are returned. Default: the model's
   * `boxDetectionsPerImg`, which is also the highest value that has an effect.
   */
  maxDetections?: number;
  /** Format of the masks. Default 'rle', but 'none' for a network without a mask head, which accepts no other. */
  maskFormat?: F;
  /**
   * A pixel belongs to an object if its probability is at least this value, 0..1. Only for 'rle' and 'bitmap'. The
   * network gives probabilities for the object's box and for a margin around it, where they fall to 0. On each side
   * the margin is one cell of the network's mask: by default 1/28 of the box's width or height. No other pixel of the
   * image belongs to the object, not even with a threshold of 0. Default 0.5.
   */
  maskThreshold?: number;
  /**
   * Number of views of each image for test-time augmentation. 1: the image as it is; 2: also mirrored left to right; 4:
   * also mirrored top to bottom, and both ways. The network scores the proposals of every view in all views and
   * averages scores, boxes and masks. This is slightly better, and takes 2 or 4 times the time and memory. Default 1.
   */
  views?: Views;
  /**
   * Number of images that are computed together. Default 1, which is fastest on a CPU. With more than one of `views`,
   * images are computed one by one.
   */
  batchSize?: number;
  /** Stops the work before the next batch. `predict()` then rejects with the signal's reason. */
  signal?: AbortSignal;
} & PixelOptions;

const share = number({min: 0, max: 1});

const PREDICT: Schema = {
  scoreThreshold: share,
  maxDetections: integer({min: 1}),
  maskFormat: oneOf('rle', 'bitmap', 'float', 'none'),
  maskThreshold: share,
  views: viewsRule,
  batchSize: integer({min: 1}),
  signal: instanceOf(AbortSignal),
  ...PIXEL_OPTIONS,
};

/** The parts of a model that prediction needs. */
export type Predictor = {
  open: () => NativeModel;
  classes: readonly string[];
  options: Pick<ResolvedModelOptions, 'boxScoreThresh' | 'boxDetectionsPerImg' | 'maxSize' | 'fixedSize' | 'masks'>;
  /** How images were read in training. */
  pixels: PixelOptions;
};

/** Detects the objects in `sources`. Decodes each batch while the previous one is computed. */
export async function predict<F extends MaskFormat>(
  {open, classes, options: model, pixels}: Predictor,
  sources: readonly ImageSource[],
  options: PredictOptions<F>,
): Promise<Detections<F>[]> {
  checkOptions(options, PREDICT, 'predict()');
  const {batchSize = 1, signal} = options;
  const maskFormat: MaskFormat = options.maskFormat ?? (model.masks === 'none' ? 'none' : 'rle');
  if (model.masks === 'none' && maskFormat !== 'none') {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option 'maskFormat' of predict() must be 'none' for a network without a mask head, got '${maskFormat}'.`,
    );
  }
  signal?.throwIfAborted();
  const detectOptions = {
    scoreThreshold: Math.max(options.scoreThreshold ?? 0, model.boxScoreThresh),
    maxDetections: Math.min(options.maxDetections ?? Infinity, model.boxDetectionsPerImg),
    maskFormat,
    maskThreshold: options.maskThreshold ?? 0.5,
    views: options.views ?? 1,
  };

  const reading = {...pixels, ...pixelOptionsOf(options)};
  const read = (start: number) => {
    const batch = sources.slice(start, start + batchSize);
    const images = Promise.all(
      batch.map(async (source, i) => {
        const name = `Image ${start + i} of predict()`;
        const image = await readImage(source, {name, ...reading});
        const {file} = fileOf(source);
        checkNetworkSize(image, model, {name: file ?? name, file});
        return image;
      }),
    );
    images.catch(() => {}); // an await below reports it, unless an earlier failure prevents that
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
  if (typeof source === 'string' || source instanceof URL) return {file: String(source)};
  return source instanceof Uint8Array || source.file === undefined ? {} : {file: source.file};
}

function toMasks(masks: NativeDetections['masks'], format: MaskFormat, width: number, height: number): Masks {
  switch (format) {
    case 'rle':
      return (masks as string[]).map((counts): Rle => ({size: [height, width], counts}));
    case 'bitmap':
      // The addon returns Buffers. Their slice() and JSON differ from those of a Uint8Array.
      return (masks as Uint8Array[]).map(({buffer, byteOffset, length}) => new Uint8Array(buffer, byteOffset, length));
    default:
      return masks as Float32Array[] | [];
  }
}
