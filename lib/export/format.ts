import type {NumberedImage} from './annotations.js';

/** What is known before the first image is written. */
export type ExportContext = {
  /** Class names in the order of their labels. */
  classes: readonly string[];
  /** Names of the parts of the data set. Empty if it is not split. */
  splits: readonly string[];
  /** Whether the objects have scores: then they are detections. */
  scored: boolean;
  /** How masks are written, one of the format's `segmentations`. Undefined: as its users expect. */
  segmentation?: Segmentation | undefined;
};

/** Compressed run lengths, run lengths, bitmaps, or polygons. */
export type Segmentation = 'rle' | 'runs' | 'masks' | 'polygons';

/** A file to be written. Its path is relative to the root of what is written, with '/'. */
export type ExportedFile = {path: string; content: string | Uint8Array};

/** One file for all images of a split, which is written piece by piece. */
export type ExportedDocument = {
  path: string;
  head: string;
  /** What stands between any two items. */
  between: string;
  /** The items of an image: none, one or one for each object. May run for several images at a time. */
  items(image: NumberedImage): Promise<readonly string[]>;
  /** The end, when all images were written. */
  tail(): string;
};

/** A format that can be written. Its functions write nothing themselves. */
export type ExportFormat = {
  /** Name for people, such as 'LabelMe'. */
  name: string;
  /** Name for the option `format`. That of `openDataset()`, if it reads the format. */
  key: string;
  /** What is written, for people, below a folder: 'NAME.json, one for each image'. */
  writes: string;
  /** What it can hold. What it cannot is left out, and counted. */
  holds: {
    classes: boolean;
    /** Classes of which there is no object. */
    unused: boolean;
    scores: boolean;
    crowds: boolean;
    boxes: boolean;
  };
  /** The ways to write masks that can be chosen. Missing: there is one. */
  segmentations?: readonly Segmentation[];
  /** Where the images of a split are, relative to the root, with '/'. Empty for the root itself. */
  imageFolder(split: string | undefined): string;
  /** The files of one image. May run for several images at a time. Throws INVALID_MASK, INVALID_DATASET. */
  files?(image: NumberedImage, context: ExportContext): Promise<readonly ExportedFile[]>;
  /** The file of all images. Throws INVALID_OPTION for a split or class that the format cannot name. */
  document?(split: string | undefined, context: ExportContext): ExportedDocument;
  /** The files about the whole: classes, parts. Throws INVALID_OPTION for a split that the format cannot name. */
  description?(context: ExportContext): readonly ExportedFile[];
};

/** The path of a file in the folder of its split. */
export function inSplit(split: string | undefined, path: string): string {
  return split === undefined ? path : `${split}/${path}`;
}
