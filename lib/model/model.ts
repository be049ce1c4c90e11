import type {DType, Model as NativeModel, ParameterInfo, StateTensor} from '../../binding.js';
import {native} from '../addon/native-errors.js';
import {MaskRcnnError} from '../basics/errors.js';
import type {PixelOptions} from '../image/pixel-options.js';
import type {ImageSource} from '../image/read-image.js';
import type {TileSource} from '../image/regions/region-source.js';
import {requireMatchingStateDict, type StateDict, toStateDict} from '../weights/state-dict.js';
import {writeModel} from './checkpoint.js';
import type {Detections, MaskFormat} from './detections.js';
import type {ResolvedModelOptions} from './options.js';
import {type Predictor, predict} from './predict.js';
import type {PredictOptions} from './predict-options.js';
import {type PredictTilesOptions, predictImagesInTiles, predictImageTiles} from './tiles/predict-images.js';
import type {TiledObject} from './tiles/tiled-object.js';

export type {DType, ParameterInfo, StateDict, StateTensor};

/** Returns the addon's model behind `model`. Throws DISPOSED. For this package only. */
export let openModel: (model: MaskRcnn) => NativeModel;

/**
 * Reserves the weights of `model` for `work` until the returned function is called. Throws BUSY if they are already
 * reserved. For this package only.
 */
export let reserveModel: (model: MaskRcnn, work: string) => () => void;

/** Says how the images are read that the weights are trained on. For this package only. */
export let setPixels: (model: MaskRcnn, pixels: PixelOptions) => void;

/** The parts from which `maskRcnn()` builds a model. */
export type ModelParts = {
  native: NativeModel;
  classes: readonly string[];
  options: ResolvedModelOptions;
  notices: readonly string[];
  pixels: PixelOptions;
};

/**
 * A Mask R-CNN. Create one with `maskRcnn()`.
 *
 * Its calls run one after the other on their own thread, so the main thread stays free. Call `dispose()` to free the
 * memory, or declare the model with `using` or `await using`, which call it for you. The garbage collector also frees
 * it, but late, because it does not see this memory.
 */
export class MaskRcnn {
  /** Names of the classes without the background. Label 1 is the first name. */
  readonly classes: readonly string[];
  /** All options of the network, including defaults. */
  readonly options: Readonly<ResolvedModelOptions>;
  /** Messages about decisions made while the model was built, such as replaced predictors. */
  readonly notices: readonly string[];
  #native: NativeModel | undefined;
  #pixels: PixelOptions;
  #reservedFor: string | undefined;

  static {
    openModel = (model) => model.#open();
    reserveModel = (model, work) => model.#reserve(work);
    setPixels = (model, pixels) => {
      model.#pixels = Object.freeze({...pixels});
    };
  }

  /** @internal */
  constructor({native, classes, options, notices, pixels}: ModelParts) {
    this.#native = native;
    this.classes = Object.freeze([...classes]);
    this.options = Object.freeze(options);
    this.notices = Object.freeze([...notices]);
    this.#pixels = Object.freeze({...pixels});
  }

  /**
   * How the images were read that the weights were trained on: which values became black and white, which page and
   * channels. `predict()` reads image files in the same way, unless its options say otherwise. Empty if the weights do
   * not say: without options. `train()` sets it to the `pixels` of its data set, and `save()` saves it.
   */
  get pixels(): Readonly<PixelOptions> {
    return this.#pixels;
  }

  /**
   * Detects objects in one or more images. An image is a path, a `file:` URL, the bytes of an image file, or pixels
   * `{data, width, height}`. Resolves to an array with one item per image, also for a single image:
   * `const [found] = await model.predict('a.png')`. Masks are run-length encoded unless `maskFormat` says otherwise.
   * Files and their bytes are read with the model's `pixels`, unless the options say otherwise.
   *
   * Throws INVALID_IMAGE, which names the file; INVALID_OPTION; DISPOSED; OUT_OF_MEMORY; or the reason of an aborted
   * signal.
   */
  predict<F extends MaskFormat = 'rle'>(image: ImageSource, options?: PredictOptions<F>): Promise<[Detections<F>]>;
  predict<F extends MaskFormat = 'rle'>(
    images: ImageSource | readonly ImageSource[],
    options?: PredictOptions<F>,
  ): Promise<Detections<F>[]>;
  async predict<F extends MaskFormat = 'rle'>(
    images: ImageSource | readonly ImageSource[],
    options: PredictOptions<F> = {},
  ): Promise<Detections<F>[]> {
    this.#open();
    const sources = Array.isArray(images) ? (images as ImageSource[]) : [images as ImageSource];
    const work = options.tiles === undefined ? predict : predictImagesInTiles;
    return work(this.#predictor(), sources, options);
  }

  /**
   * Finds the objects of an image of any size, tile by tile. Yields each object once, as soon as no later tile can
   * change it, so that neither the image nor all objects have to fit into memory. A file is read in parts, as
   * `openRegions()` does. A `TileSource`, such as `openRegions()` gives, is left open. Objects are in pixels of the
   * level that is read.
   *
   * ```ts
   * for await (const {className, box, mask} of model.predictTiles('slide.svs', {size: 1024, skipBlank: 'glass'})) {
   *   console.log(className, box, mask);
   * }
   * ```
   *
   * Throws INVALID_OPTION and DISPOSED at once; while it runs INVALID_IMAGE, which names the file and the tile;
   * OUT_OF_MEMORY; or the reason of an aborted signal.
   */
  predictTiles(
    image: ImageSource | TileSource,
    options: PredictTilesOptions = {},
  ): AsyncGenerator<TiledObject, void, undefined> {
    this.#open();
    return predictImageTiles(this.#predictor(), image, options);
  }

  /**
   * Name, shape, dtype, kind and trainable flag of every parameter and buffer, in the order of the state dict. Throws
   * DISPOSED.
   */
  parameters(): ParameterInfo[] {
    return this.#open().parameters();
  }

  /** A copy of every parameter and buffer under torchvision's names. Throws DISPOSED, OUT_OF_MEMORY. */
  async stateDict(): Promise<StateDict> {
    return toStateDict(await native(() => this.#open().stateDict()));
  }

  /**
   * Loads every tensor of `dict`. Names and shapes must match the model exactly; dtypes are converted. Throws
   * STATE_DICT_MISMATCH, which lists the names; BUSY during training; DISPOSED.
   */
  async loadStateDict(dict: StateDict): Promise<void> {
    requireMatchingStateDict(dict, this.parameters(), {source: 'The state dict'});
    const release = this.#reserve('loadStateDict()');
    try {
      await native(() => this.#open().loadStateDict([...dict.values()]));
    } finally {
      release();
    }
  }

  /**
   * Saves the weights to a `.safetensors` file, or to a `.pth` or `.pt` file that `torch.load` can read. Classes and
   * options are saved too, so `maskRcnn({weights: path})` needs nothing else. If saving fails, an existing file at
   * `path` stays as it was. Throws INVALID_OPTION for other extensions, WRITE_FAILED, DISPOSED.
   */
  async save(path: string): Promise<void> {
    await writeModel(path, await this.stateDict(), this);
  }

  /** Frees the memory when the running calls have finished. Later calls throw DISPOSED. You can call it again. */
  dispose(): void {
    this.#native?.dispose();
    this.#native = undefined;
  }

  /** Calls `dispose()`, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Calls `dispose()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.dispose();
  }

  #open(): NativeModel {
    if (this.#native === undefined) {
      throw new MaskRcnnError('DISPOSED', 'The model was used after dispose().', {
        hint: 'Make another with maskRcnn().',
      });
    }
    return this.#native;
  }

  #predictor(): Predictor {
    const {classes, options, pixels} = this;
    return {open: () => this.#open(), classes, options, pixels};
  }

  #reserve(work: string): () => void {
    this.#open();
    if (this.#reservedFor !== undefined) {
      throw new MaskRcnnError('BUSY', `${work} needs the model's weights, which ${this.#reservedFor} is changing.`, {
        hint: 'Wait for its promise, or train another model.',
      });
    }
    this.#reservedFor = work;
    return () => {
      this.#reservedFor = undefined;
    };
  }
}
