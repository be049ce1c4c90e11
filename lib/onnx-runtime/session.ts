/** A tensor that a session returns. */
export type OnnxTensor = {readonly type: string; readonly data: unknown; readonly dims: readonly number[]};

/** What this module needs of an `InferenceSession` of onnxruntime-node or onnxruntime-web. */
export type OnnxSession = {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata?: readonly {readonly name: string; readonly isTensor: boolean; readonly type?: string}[];
  readonly outputMetadata?: readonly {readonly name: string; readonly isTensor: boolean; readonly type?: string}[];
  // biome-ignore lint/suspicious/noExplicitAny: the values are tensors of the other library
  run(feeds: any): Promise<any>;
  release?(): Promise<void>;
};

/** What this module needs of onnxruntime-node or onnxruntime-web: pass the imported module. */
export type OnnxRuntime = {
  // biome-ignore lint/suspicious/noExplicitAny: overloads of the other library
  readonly Tensor: new (
    ...values: any
  ) => unknown;
  readonly InferenceSession: {
    // biome-ignore lint/suspicious/noExplicitAny: its options are the other library's
    create(bytes: Uint8Array, options?: any): Promise<OnnxSession>;
  };
};
