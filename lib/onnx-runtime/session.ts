/** A value of ONNX Runtime's own types, which this module does not depend on. */
// biome-ignore lint/suspicious/noExplicitAny: two packages have such types
type OfTheRuntime = any;

/** A tensor that a session returns. */
export type OnnxTensor = {readonly type: string; readonly data: unknown; readonly dims: readonly number[]};

/** What this module needs of an `InferenceSession` of onnxruntime-node or onnxruntime-web. */
export type OnnxSession = {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata?: readonly {readonly name: string; readonly isTensor: boolean; readonly type?: string}[];
  readonly outputMetadata?: readonly {readonly name: string; readonly isTensor: boolean; readonly type?: string}[];
  /** Computes the outputs of inputs, by their names. */
  run(feeds: OfTheRuntime): Promise<OfTheRuntime>;
  /** Frees the memory. */
  release?(): Promise<void>;
};

/** What this module needs of onnxruntime-node or onnxruntime-web: pass the imported module. */
export type OnnxRuntime = {
  readonly Tensor: new (...values: OfTheRuntime[]) => unknown;
  readonly InferenceSession: {
    /** Opens the bytes of a file. */
    create(bytes: Uint8Array, options?: OfTheRuntime): Promise<OnnxSession>;
  };
};
