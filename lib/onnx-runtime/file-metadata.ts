/** How pixels enter an exported file: bytes [H,W,3] of RGB, or floats [3,H,W] of RGB in 0..1. */
export type OnnxInput = 'uint8' | 'float32';

/**
 * Masks of an exported file. 'image': 0 or 1 for each pixel of the image; 'box': probabilities on a grid over each
 * detection's box (28 × 28 by default); 'none': no masks.
 */
export type OnnxMasks = 'image' | 'box' | 'none';

/** What an exported file says about itself, besides its classes. */
export type OnnxDescription = {
  input: OnnxInput;
  /** Whether the input has a first axis, of images of one size, and detections tell which image they are of. */
  batch: boolean;
  masks: OnnxMasks;
  /** Whether weights are float16. */
  half: boolean;
  /** Limits of what is detected. */
  scoreThreshold: number;
  nmsThreshold: number;
  maxDetections: number;
  /** Only for masks of the 'image'. */
  maskThreshold: number;
  /** Whether these limits are inputs, with these values as defaults. */
  limitInputs: boolean;
  /** Sizes and normalisation of the image in the graph, for reference: see `ModelOptions`. */
  minSize: number;
  maxSize: number;
  fixedSize: readonly number[] | null;
  imageMean: readonly number[];
  imageStd: readonly number[];
};

/** What the graph of a file does besides the network. */
export type GraphOptions = Omit<OnnxDescription, 'minSize' | 'maxSize' | 'fixedSize' | 'imageMean' | 'imageStd'>;

/** The names of inputs, outputs and metadata in an exported file. */
export const NAMES = {
  image: 'image',
  /** Instead of `image` in files that take several. */
  images: 'images',
  scoreThreshold: 'score_threshold',
  nmsThreshold: 'nms_threshold',
  maxDetections: 'max_detections',
  maskThreshold: 'mask_threshold',
  boxes: 'boxes',
  labels: 'labels',
  scores: 'scores',
  /** Only in files that take several images. */
  imageIndex: 'image_index',
  masks: 'masks',
  /** Metadata: the classes without the background, a JSON list. */
  classes: 'classes',
  /** Metadata: an `OnnxDescription` as JSON. */
  description: 'maskrcnn_onnx',
} as const;

/** The field of ModelProto that holds the metadata, and those of its entries (onnx/onnx.proto). */
export const METADATA_FIELD = 14;
export const ENTRY_FIELDS = {key: 1, value: 2};

/** The metadata of the bytes of an ONNX file. Throws RangeError if they are not such a file. */
export function readMetadata(bytes: Uint8Array): Map<string, string> {
  const metadata = new Map<string, string>();
  for (const [field, content] of fields(bytes)) {
    if (field !== METADATA_FIELD) continue;
    const texts = new Map(fields(content).map(([part, text]) => [part, new TextDecoder().decode(text)]));
    metadata.set(texts.get(ENTRY_FIELDS.key) ?? '', texts.get(ENTRY_FIELDS.value) ?? '');
  }
  return metadata;
}

/** The fields with a length of a protobuf message; numbers are skipped. */
function fields(bytes: Uint8Array): [field: number, content: Uint8Array][] {
  const found: [number, Uint8Array][] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || factor > 2 ** 63) throw new RangeError('The bytes must be an ONNX file.');
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const wireType = tag % 8;
    if (wireType === 0) varint();
    else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else if (wireType === 2) {
      const length = varint();
      if (at + length > bytes.length) throw new RangeError('The bytes must be a whole ONNX file.');
      found.push([Math.floor(tag / 8), bytes.subarray(at, at + length)]);
      at += length;
    } else throw new RangeError('The bytes must be an ONNX file.');
  }
  return found;
}
