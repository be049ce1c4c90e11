import {MaskRcnnError} from '../basics/errors.js';
import {checkOptions, integer, listOf, number, object, oneOf, required, type Schema, text} from '../basics/schema.js';
import {checkNetworkSize} from '../image/network-size.js';
import type {Detections, MaskFormat} from '../model/detections.js';
import {NAMES, type OnnxDescription, type OnnxInput, type OnnxMasks, readMetadata} from './file-metadata.js';
import {choose, splitByImage} from './outputs.js';
import {checkPixels, groupsOfOneSize, type OnnxPixels, toInput} from './pixels.js';
import type {OnnxRuntime, OnnxSession, OnnxTensor} from './session.js';

/** Options of `loadOnnx()`. Invalid options throw INVALID_OPTION. */
export type LoadOnnxOptions = {
  /** The module that runs the file: `import * as ort from 'onnxruntime-node'`, or from 'onnxruntime-web'. */
  ort: OnnxRuntime;
  /**
   * Names of the classes without the background. Default: those of the bytes; '1', '2', ... for a session, which does
   * not tell.
   */
  classes?: readonly string[];
  /** Options of `InferenceSession.create()` for bytes, such as `executionProviders`. */
  sessionOptions?: object;
};

/** Options of `OnnxModel.predict()`. Invalid options throw INVALID_OPTION. */
export type OnnxPredictOptions<F extends MaskFormat = MaskFormat> = {
  /**
   * Only detections with a score above this are returned, 0..1. The threshold of the file is the lowest value that has
   * an effect. Default: that one.
   */
  scoreThreshold?: number;
  /** Maximum number of detections. That of the file is the highest value that has an effect. Default: that one. */
  maxDetections?: number;
  /**
   * Format of the masks, as for `MaskRcnn.predict()`. Files with masks of the 'image' give no 'float'. Default 'rle',
   * but 'none' for a file without masks.
   */
  maskFormat?: F;
  /**
   * A pixel belongs to an object if its probability is at least this value, 0..1. Only for files with masks of the
   * 'box'; in others it is fixed. Default 0.5.
   */
  maskThreshold?: number;
  /**
   * For a list of images and a file exported with `batch`: the most images of one size that are computed together.
   * Other files compute one by one. Default 4.
   */
  batchSize?: number;
};

const LOAD: Schema = {
  ort: required(object),
  classes: listOf(text),
  sessionOptions: object,
};

const share = number({min: 0, max: 1});

const PREDICT: Schema = {
  scoreThreshold: share,
  maxDetections: integer({min: 1}),
  maskFormat: oneOf('rle', 'bitmap', 'float', 'none'),
  maskThreshold: share,
  batchSize: integer({min: 1}),
};

/**
 * Opens a file of `exportOnnx()`: its bytes, or a session that was made from it. Throws INVALID_OPTION;
 * INVALID_CHECKPOINT for another file or a damaged one; or what ONNX Runtime throws.
 */
export async function loadOnnx(
  source: Uint8Array | ArrayBuffer | OnnxSession,
  options: LoadOnnxOptions,
): Promise<OnnxModel> {
  checkOptions(options, LOAD, 'loadOnnx()');
  const {classes, sessionOptions} = options;
  // Of CommonJS, as older versions are, Node.js may know the default export only.
  const ort = options.ort.InferenceSession
    ? options.ort
    : ((options.ort as {default?: OnnxRuntime}).default ?? options.ort);
  if (typeof ort.InferenceSession?.create !== 'function' || typeof ort.Tensor !== 'function') {
    throw new MaskRcnnError('INVALID_OPTION', "Option 'ort' of loadOnnx() must be the module of an ONNX Runtime.", {
      hint: "import * as ort from 'onnxruntime-node', or from 'onnxruntime-web'.",
    });
  }
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) {
    const bytes = source instanceof Uint8Array ? source : new Uint8Array(source);
    const known = describe(bytes);
    const session = await ort.InferenceSession.create(bytes, sessionOptions).catch((cause: unknown) => {
      const said = cause instanceof Error ? cause.message : String(cause);
      if (!/protobuf|load model/i.test(said)) throw cause;
      throw new MaskRcnnError('INVALID_CHECKPOINT', `ONNX Runtime cannot read the bytes of loadOnnx(): ${said}`, {
        hint: 'A file or its download may be damaged.',
        cause,
      });
    });
    return new OnnxModel(session, ort, classes ?? known.classes, known.description);
  }
  if (typeof source?.run !== 'function' || !Array.isArray(source.outputNames)) {
    throw new MaskRcnnError('INVALID_OPTION', 'loadOnnx() takes the bytes of a file, or a session of ONNX Runtime.');
  }
  return new OnnxModel(source, ort, classes, undefined);
}

/** An exported network. Create one with `loadOnnx()`. Its calls run one after the other. */
export class OnnxModel {
  /** Names of the classes without the background. Undefined for a session without option `classes`. */
  readonly classes: readonly string[] | undefined;
  /** What the file says about itself. Undefined for a session. */
  readonly description: OnnxDescription | undefined;
  /** What the file takes and which masks it gives. */
  readonly input: OnnxInput;
  readonly masks: OnnxMasks;
  /** Whether the file takes several images of one size at once. */
  readonly batch: boolean;
  readonly #session: OnnxSession;
  readonly #ort: OnnxRuntime;
  readonly #inputName: string;
  #last: Promise<unknown> = Promise.resolve(); // run of the session
  #calls: Promise<void> = Promise.resolve(); // all of predict()
  #disposed: Promise<void> | undefined;

  /** @internal */
  constructor(
    session: OnnxSession,
    ort: OnnxRuntime,
    classes: readonly string[] | undefined,
    description: OnnxDescription | undefined,
  ) {
    requireNames(session);
    this.#session = session;
    this.#ort = ort;
    this.classes = classes;
    this.description = description;
    const typeOf = (list: OnnxSession['inputMetadata'], name: string) => list?.find((each) => each.name === name)?.type;
    this.batch = session.inputNames.includes(NAMES.images);
    this.#inputName = this.batch ? NAMES.images : NAMES.image;
    this.input =
      typeOf(session.inputMetadata, this.#inputName) === 'float32' ? 'float32' : (description?.input ?? 'uint8');
    const isOfImage = typeOf(session.outputMetadata, NAMES.masks) === 'uint8';
    this.masks = session.outputNames.includes(NAMES.masks)
      ? (description?.masks ?? (isOfImage ? 'image' : 'box'))
      : 'none';
  }

  /**
   * Detects objects in one image, or in a list of images. The result of an image is that of `MaskRcnn.predict()`:
   * boxes, labels, names, scores and masks in pixels of the image. Masks are run-length encoded unless `maskFormat`
   * says otherwise. For a list, it is an array with one item per image.
   *
   * Throws INVALID_IMAGE, INVALID_OPTION, DISPOSED, or what ONNX Runtime throws.
   */
  predict<F extends MaskFormat = 'rle'>(image: OnnxPixels, options?: OnnxPredictOptions<F>): Promise<Detections<F>>;
  predict<F extends MaskFormat = 'rle'>(
    images: readonly OnnxPixels[],
    options?: OnnxPredictOptions<F>,
  ): Promise<Detections<F>[]>;
  async predict<F extends MaskFormat = 'rle'>(
    given: OnnxPixels | readonly OnnxPixels[],
    options: OnnxPredictOptions<F> = {},
  ): Promise<Detections<F> | Detections<F>[]> {
    if (this.#disposed !== undefined) {
      throw new MaskRcnnError('DISPOSED', 'The model was used after dispose().', {
        hint: 'Open the file again with loadOnnx().',
      });
    }
    const call = this.#predict(given, options);
    this.#calls = Promise.allSettled([this.#calls, call]).then(() => {});
    return call;
  }

  async #predict<F extends MaskFormat>(
    given: OnnxPixels | readonly OnnxPixels[],
    options: OnnxPredictOptions<F>,
  ): Promise<Detections<F> | Detections<F>[]> {
    checkOptions(options, PREDICT, 'predict()');
    const {scoreThreshold = 0, maxDetections = Infinity, maskThreshold = 0.5, batchSize = 4} = options;
    const format: MaskFormat = options.maskFormat ?? (this.masks === 'none' ? 'none' : 'rle');
    this.#checkFormat(format, options.maskThreshold);
    const isList = Array.isArray(given);
    const images = (isList ? given : [given]) as readonly OnnxPixels[];
    for (const [i, image] of images.entries()) {
      const name = isList ? `Image ${i} of predict()` : 'The image of predict()';
      checkPixels(image, name);
      if (this.description !== undefined) checkNetworkSize(image, this.description, {name});
    }
    const results: Detections<F>[] = [];
    for (const numbers of groupsOfOneSize(images, this.batch ? batchSize : 1)) {
      const group = numbers.map((number) => images[number]!);
      const {width, height} = group[0]!;
      const outputs = await this.#run(group);
      for (const [i, found] of splitByImage(outputs, group.length).entries()) {
        const wanted = {scoreThreshold, maxDetections, maskThreshold, format};
        const chosen = await choose(found, {width, height}, wanted);
        const {boxes, labels, scores, masks} = chosen;
        const classNames = Array.from(labels, (label) => this.classes?.[label - 1] ?? String(label));
        results[numbers[i]!] = {
          width,
          height,
          boxes,
          labels,
          classNames,
          scores,
          masks: masks as Detections<F>['masks'],
        };
      }
    }
    return isList ? results : results[0]!;
  }

  /** Frees the memory of the session when the running calls have finished. Later calls throw DISPOSED. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#calls.then(() => this.#session.release?.());
    return this.#disposed;
  }

  async #run(images: readonly OnnxPixels[]): Promise<Record<string, OnnxTensor>> {
    const {data, dims} = toInput(images, this);
    // Sessions of onnxruntime-web refuse a second run before the first has ended.
    const running = this.#last.then(() =>
      this.#session.run({[this.#inputName]: new this.#ort.Tensor(this.input, data, dims)}),
    );
    this.#last = running.catch(() => {}); // the caller gets the error
    return running;
  }

  #checkFormat(format: MaskFormat, threshold: number | undefined): void {
    if (this.masks === 'none' && format !== 'none') {
      throw new MaskRcnnError(
        'INVALID_OPTION',
        `Option 'maskFormat' of predict() must be 'none' for a file without masks, got '${format}'.`,
      );
    }
    if (this.masks !== 'image') return;
    const hint = "Export with masks: 'box' for other masks.";
    if (format === 'float') {
      throw new MaskRcnnError(
        'INVALID_OPTION',
        "Option 'maskFormat' of predict() cannot be 'float' for a file with masks of the image.",
        {hint},
      );
    }
    const fixed = this.description?.maskThreshold;
    if (threshold !== undefined && threshold !== fixed) {
      throw new MaskRcnnError(
        'INVALID_OPTION',
        `Option 'maskThreshold' of predict() is fixed in a file with masks of the image${fixed === undefined ? '' : ` to ${fixed}`}, got ${threshold}.`,
        {hint},
      );
    }
  }
}

function requireNames({inputNames, outputNames}: OnnxSession): void {
  const isBatch = inputNames.includes(NAMES.images);
  const wanted = [NAMES.boxes, NAMES.labels, NAMES.scores, ...(isBatch ? [NAMES.imageIndex] : [])];
  if ((isBatch || inputNames.includes(NAMES.image)) && wanted.every((name) => outputNames.includes(name))) return;
  throw new MaskRcnnError(
    'INVALID_CHECKPOINT',
    `loadOnnx() takes a file of exportOnnx(), with input ${isBatch ? NAMES.images : NAMES.image} and outputs ${wanted.join(', ')}, got input ${inputNames.join(', ')} and outputs ${outputNames.join(', ')}.`,
  );
}

/** What the bytes of a file say. Throws INVALID_CHECKPOINT for another file. */
function describe(bytes: Uint8Array): {classes: readonly string[]; description: OnnxDescription} {
  try {
    const metadata = readMetadata(bytes);
    return {
      classes: JSON.parse(metadata.get(NAMES.classes)!),
      description: JSON.parse(metadata.get(NAMES.description)!),
    };
  } catch (cause) {
    throw new MaskRcnnError(
      'INVALID_CHECKPOINT',
      'The bytes of loadOnnx() must be a file of exportOnnx(), got others.',
      {
        hint: 'Write one with `maskrcnn export WEIGHTS model.onnx`. A download may be incomplete.',
        cause,
      },
    );
  }
}
