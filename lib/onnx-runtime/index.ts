/**
 * `maskrcnn/onnx`: runs files of `exportOnnx()` with onnxruntime-node or onnxruntime-web. It has no native code and
 * needs nothing of Node.js, so it runs in browsers, too.
 *
 * @module maskrcnn/onnx
 */

export {type ErrorCode, MaskRcnnError} from '../basics/errors.js';
export {type CroppedRle, cropRle, decodeRle, type Rle} from '../masks/rle.js';
export type {Detections, MaskFormat, Masks} from '../model/detections.js';
export type {OnnxDescription, OnnxInput, OnnxMasks} from './file-metadata.js';
export {type LoadOnnxOptions, loadOnnx, OnnxModel, type OnnxPredictOptions} from './load-onnx.js';
export type {OnnxPixels} from './pixels.js';
export type {OnnxRuntime, OnnxSession, OnnxTensor} from './session.js';
