/** What went wrong, as a stable name to branch on; the message is for people and may change. */
export type ErrorCode =
  | 'INVALID_OPTION' // an unknown, ill-typed or contradictory option
  | 'INVALID_IMAGE' // an image that cannot be read, or is not what it claims to be
  | 'INVALID_MASK' // a mask that cannot be read, or does not fit its image
  | 'INVALID_TARGET' // boxes, labels or masks that training cannot use
  | 'INVALID_DATASET' // a folder, annotation file or index that does not form a data set
  | 'INVALID_RESULTS' // a file of detections that is malformed or belongs to another data set
  | 'INVALID_CHECKPOINT' // a weights file that is truncated, corrupt or of an unknown format
  | 'UNSAFE_CHECKPOINT' // a pickle that names something other than tensors; nothing was executed
  | 'STATE_DICT_MISMATCH' // names or shapes that are not the model's
  | 'WRITE_FAILED' // a file that could not be written: no space, no permission; an older one at its place is whole
  | 'WEIGHTS_UNAVAILABLE' // registered weights that are not here and cannot be downloaded
  | 'DOWNLOAD_FAILED'
  | 'CHECKSUM_MISMATCH'
  | 'LIBTORCH_NOT_FOUND'
  | 'LIBTORCH_MISMATCH' // a libtorch of another version than the addon was built for
  | 'ADDON_NOT_FOUND' // neither a prebuilt nor a built addon
  | 'BUILD_FAILED'
  | 'DEVICE_UNAVAILABLE'
  | 'OUT_OF_MEMORY'
  | 'NON_FINITE_LOSS' // a loss became NaN or infinite; the files of the batch are named
  | 'DISPOSED' // the model was used after dispose()
  | 'BUSY' // a second training run, or a change of weights, while one is going on
  | 'UNHEALTHY' // `maskrcnn doctor` found something that does not work
  | 'NATIVE'; // the addon cannot be loaded, or libtorch refused an operation: a defect of this package

/** What an error has beside its code and message. */
export type ErrorDetails = {
  /** One sentence on how to mend it. */
  hint?: string;
  /** The file at fault. */
  file?: string;
  cause?: unknown;
};

/** The one error class of this package. The message has subject, expectation and value; the hint follows on its own line. */
export class MaskRcnnError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly file: string | undefined;

  constructor(code: ErrorCode, message: string, {hint, file, cause}: ErrorDetails = {}) {
    super(hint === undefined ? message : `${message}\n${hint}`, cause === undefined ? undefined : {cause});
    this.name = 'MaskRcnnError';
    this.code = code;
    this.hint = hint;
    this.file = file;
  }
}
