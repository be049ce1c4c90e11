export {
  type ImageSource,
  type RawImage,
  type ReadImageOptions,
  type RgbImage,
  readImage,
  readImageSize,
} from './image/read-image.js';
export {type IdMask, readMask} from './image/read-mask.js';
