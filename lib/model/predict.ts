import type {NativeDetections, Model as NativeModel} from '../../binding.js';
import {native} from '../addon/native-errors.js';
import {MaskRcnnError} from '../basics/errors.js';
import {checkOptions} from '../basics/schema.js';
import {isLent, lend} from '../image/lent-pixels.js';
import {checkNetworkSize} from '../image/network-size.js';
import {type PixelOptions, pixelOptionsOf} from '../image/pixel-options.js';
import {type ImageSource, isFileSource, readImage, refuseForRaw} from '../image/read-image.js';
import type {Rle} from '../masks/rle.js';
import type {Detections, MaskFormat, Masks} from './detections.js';
import type {ResolvedModelOptions} from './options.js';
import {PREDICT_OPTIONS, type PredictOptions} from './predict-options.js';

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
  checkOptions(options, PREDICT_OPTIONS, 'predict()');
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

  const asked = pixelOptionsOf(options);
  const reading = {...pixels, ...asked};
  const read = (start: number) => {
    const batch = sources.slice(start, start + batchSize);
    const images = Promise.all(
      batch.map(async (source, i) => {
        const name = `Image ${start + i} of predict()`;
        const {file} = sourceFile(source);
        const isFile = isFileSource(source);
        if (!isFile) refuseForRaw(asked, file ?? name, 'predict()');
        const image = await readImage(source, {name, ...(isFile && reading)});
        checkNetworkSize(image, model, {name: file ?? name, file});
        return {...(isFile ? lend(image) : image), lent: isLent(image)};
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
        ...sourceFile(sources[start + i]!),
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

/** The path or name of an image, if it has one. */
export function sourceFile(source: ImageSource): {file?: string} {
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
