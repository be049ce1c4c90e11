export {
  type ImageSource,
  type RawImage,
  type ReadImageOptions,
  type RgbImage,
  readImage,
  readImageSize,
} from './read-image.js';
export {type IdMask, readMask} from './read-mask.js';
