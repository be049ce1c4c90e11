import type {DType, Model as NativeModel, ParameterInfo, StateTensor} from '../../binding.js';
import {native} from '../addon/native-errors.js';
import {MaskRcnnError} from '../basics/errors.js';
import type {ImageSource} from '../image/read-image.js';
import {requireMatchingStateDict, type StateDict, toStateDict} from '../weights/state-dict.js';
import {writeModel} from './checkpoint.js';
import type {ResolvedModelOptions} from './options.js';
import {type Detections, type MaskFormat, type PredictOptions, predict} from './predict.js';

export type {DType, ParameterInfo, StateDict, StateTensor};

/** The addon's model behind `model`. Throws DISPOSED. For this package only. */
export let openModel: (model: MaskRcnn) => NativeModel;

/**
 * Reserves the weights of `model` for `work` until the function returned is called. Throws BUSY while they are reserved.
 * For this package only.
 */
export let reserveModel: (model: MaskRcnn, work: string) => () => void;

/** What `maskRcnn()` makes a model of. */
export type ModelParts = {
  native: NativeModel;
  classes: readonly string[];
  options: ResolvedModelOptions;
  notices: readonly string[];
};

/**
 * A Mask R-CNN. Made by `maskRcnn()`.
 *
 * Its calls run one after the other on a thread of its own and leave the main thread free. `dispose()` frees its memory, which
 * the garbage collector does late, since it does not see it: `using` and `await using` do that by themselves.
 */
export class MaskRcnn {
  /** Names of the classes without the background: label 1 is the first. */
  readonly classes: readonly string[];
  /** Every option, decided. */
  readonly options: Readonly<ResolvedModelOptions>;
  /** What was decided while the model was made, such as predictors that were replaced. */
  readonly notices: readonly string[];
  #native: NativeModel | undefined;
  #reservedFor: string | undefined;

  static {
    openModel = (model) => model.#open();
    reserveModel = (model, work) => model.#reserve(work);
  }

  /** @internal */
  constructor({native, classes, options, notices}: ModelParts) {
    this.#native = native;
    this.classes = Object.freeze([...classes]);
    this.options = Object.freeze(options);
    this.notices = Object.freeze([...notices]);
  }

  /**
   * Detects objects in one image or several: paths, `file:` URLs, bytes of image files, or pixels `{data, width, height}`.
   * Always resolves to an array, one item per image. The masks are run lengths unless `maskFormat` says otherwise.
   *
   * Throws INVALID_IMAGE, naming the file; INVALID_OPTION; DISPOSED; OUT_OF_MEMORY; or the reason of an aborted signal.
   */
  async predict<F extends MaskFormat = 'rle'>(
    images: ImageSource | readonly ImageSource[],
    options: PredictOptions<F> = {},
  ): Promise<Detections<F>[]> {
    this.#open();
    const sources = Array.isArray(images) ? (images as ImageSource[]) : [images as ImageSource];
    return predict({open: () => this.#open(), classes: this.classes, options: this.options}, sources, options);
  }

  /** Name, shape, dtype and kind of every parameter and buffer, in the order of the state dict. Throws DISPOSED. */
  parameters(): ParameterInfo[] {
    return this.#open().parameters();
  }

  /** A copy of every parameter and buffer under torchvision's names. Throws DISPOSED, OUT_OF_MEMORY. */
  async stateDict(): Promise<StateDict> {
    return toStateDict(await native(() => this.#open().stateDict()));
  }

  /**
   * Takes over every tensor of `dict`, whose names and shapes must be exactly the model's; dtypes are converted. Throws
   * STATE_DICT_MISMATCH with the names, BUSY during training, DISPOSED.
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
   * Writes the weights, whole or not at all, to a `.safetensors` file or a `.pth` (or `.pt`) file that `torch.load` takes.
   * Classes and options go along, so that `maskRcnn({weights: path})` needs nothing else. Throws INVALID_OPTION for other
   * extensions, WRITE_FAILED, DISPOSED.
   */
  async save(path: string): Promise<void> {
    await writeModel(path, await this.stateDict(), this);
  }

  /** Frees the memory once the calls under way have ended; later calls throw DISPOSED. May be called again. */
  dispose(): void {
    this.#native?.dispose();
    this.#native = undefined;
  }

  /** `dispose()`, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** `dispose()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.dispose();
  }

  #open(): NativeModel {
    if (this.#native === undefined) {
      throw new MaskRcnnError('DISPOSED', 'The model must be in use, got one after dispose().', {
        hint: 'Make another with maskRcnn().',
      });
    }
    return this.#native;
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
