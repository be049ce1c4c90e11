/** What went wrong, as a stable code that a program can check. The message is for people and may change. */
export type ErrorCode =
  | 'INVALID_OPTION' // an option that is unknown, of the wrong type, or contradicts another
  | 'INVALID_IMAGE' // an image that cannot be read, or whose pixels do not fit its stated size
  | 'INVALID_MASK' // a mask that cannot be read, does not fit its image, or has more objects than its format holds
  | 'INVALID_TARGET' // boxes, labels or masks that training cannot use
  | 'INVALID_DATASET' // a folder, annotation file or index that does not form a data set
  | 'INVALID_RESULTS' // a file of detections that is malformed or belongs to another data set
  | 'INVALID_CHECKPOINT' // a weights file that is truncated, corrupt or of an unknown format
  | 'UNSAFE_CHECKPOINT' // a pickle that refers to something other than tensors and plain data; nothing was executed
  | 'STATE_DICT_MISMATCH' // tensors whose names or shapes do not match the model
  | 'WRITE_FAILED' // a file that could not be written (no space, no permission); an older file there is intact
  | 'WEIGHTS_UNAVAILABLE' // registered weights that are not in a cache and cannot be downloaded
  | 'DOWNLOAD_FAILED'
  | 'CHECKSUM_MISMATCH'
  | 'LIBTORCH_NOT_FOUND'
  | 'LIBTORCH_MISMATCH' // a libtorch of another version than the addon was built for
  | 'ADDON_NOT_FOUND' // there is neither a prebuilt addon nor one that was built here
  | 'BUILD_FAILED'
  | 'DEVICE_UNAVAILABLE'
  | 'OUT_OF_MEMORY'
  | 'NON_FINITE_LOSS' // a loss became NaN or infinite; the message names the files of the batch
  | 'DISPOSED' // the model was used after dispose(), or a region source after close()
  | 'GROUP_FAILED' // a process of a group that trains together has ended, failed or hung; the message names it
  | 'BUSY' // a training run, or a change of the weights, while another one is running
  | 'UNHEALTHY' // `maskrcnn doctor` found a problem
  | 'NATIVE'; // the addon cannot be loaded, or libtorch refused an operation, which is a bug in this package

/** Details of an error besides its code and message. */
export type ErrorDetails = {
  /** One sentence that says how to fix it. */
  hint?: string;
  /** The file that caused the error. */
  file?: string;
  cause?: unknown;
};

/**
 * The only error class of this package. The message says what was expected and what was found. The hint, if there is
 * one, follows on a separate line.
 */
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

/** The message of an error without its hint. */
export function sentenceOf({message, hint}: MaskRcnnError): string {
  return hint === undefined ? message : message.slice(0, -hint.length - 1);
}
