import {bool, integer, number, oneOf, type Schema} from '../basics/schema.js';
import type {OnnxInput, OnnxMasks} from '../onnx-runtime/file-metadata.js';

/** Options of `exportOnnx()`. Invalid options throw INVALID_OPTION. */
export type ExportOnnxOptions = {
  /**
   * What the file takes as `image`. 'uint8': bytes of RGB, [height, width, 3], as a canvas or sharp has them;
   * 'float32': RGB in 0..1, [3, height, width], as torchvision's models take it. Default 'uint8'.
   */
  input?: OnnxInput;
  /**
   * Whether the file takes several images of one size at once: `images`, with a first axis more than `image`. Its
   * detections are those of all images, one image after the other, and a further output `image_index` tells which image
   * each is of, from 0. Default false: one image at a time.
   */
  batch?: boolean;
  /**
   * Masks. 'image': for each detection 0 or 1 for each pixel of the image, [D, height, width] uint8; 'box': the
   * probabilities of the network on a grid over the box, [D, 28, 28] float32, which `maskrcnn/onnx` turns into masks
   * with less time and memory; 'none': no masks. Default 'image', but 'none' for a network without a mask head, which
   * accepts no other.
   */
  masks?: OnnxMasks;
  /**
   * Whether weights are stored as float16, which halves the file. Runtimes compute in float32 with them. Scores change
   * by about 0.001. Default false.
   */
  half?: boolean;
  /** Only detections with a score above this are found, 0..1. Default: the model's `boxScoreThresh`. */
  scoreThreshold?: number;
  /** IoU threshold of non-maximum suppression of detections, 0..1. Default: the model's `boxNmsThresh`. */
  nmsThreshold?: number;
  /**
   * Maximum number of detections. Those with the highest scores are kept. Default: the model's `boxDetectionsPerImg`.
   */
  maxDetections?: number;
  /**
   * A pixel belongs to an object if its probability is at least this value, 0..1. Only for masks of the 'image'.
   * Default 0.5.
   */
  maskThreshold?: number;
  /**
   * Whether the four values above are inputs too, `score_threshold`, `nms_threshold`, `max_detections` and
   * `mask_threshold`, each of one element, whose defaults they are. ONNX Runtime for Python, C++ and C# takes such
   * inputs, and warns about each; that for JavaScript does not take them. Default false: they are fixed.
   */
  limitInputs?: boolean;
  /** Stops the export. `exportOnnx()` then rejects with the signal's reason, and an existing file stays as it was. */
  signal?: AbortSignal;
};

const share = number({min: 0, max: 1});

/** The rules of the options that the command line has, too. */
export const EXPORT_ONNX = {
  input: oneOf('uint8', 'float32'),
  batch: bool,
  masks: oneOf('image', 'box', 'none'),
  half: bool,
  scoreThreshold: share,
  nmsThreshold: share,
  maxDetections: integer({min: 1}),
  maskThreshold: share,
  limitInputs: bool,
} satisfies Schema;
