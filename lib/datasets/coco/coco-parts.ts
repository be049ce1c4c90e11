/** What a data set in COCO format is made of, and what it tells of itself. */
import type {Binding} from '../../addon/binding.js';
import type {PixelOptions} from '../../image/pixel-options.js';
import type {AnnotationIndex, CocoImage} from './annotation-index.js';
import type {CocoClasses} from './categories.js';

/** Counts of a COCO data set. */
export type CocoStats = {
  images: number;
  annotations: number;
  /** Annotations of the whole file that are only boxes. */
  boxes: number;
  /** Images without annotations. They are kept as negatives. */
  negatives: number;
  /** Numbers of annotations that have been left out so far, by reason. */
  skipped: Readonly<Record<string, number>>;
};

/** What a data set shares with its subsets. */
export type Shared = CocoClasses & {
  file: string;
  folder: string;
  faulty: 'error' | 'skip';
  boxes: 'annotations' | 'masks';
  pixels: PixelOptions;
  index: AnnotationIndex;
  /** The images of the index, with their sizes. */
  images: readonly CocoImage[];
  /** Labels by category id. Categories that are not used have no label. */
  labels: ReadonlyMap<number, number>;
  /** Ids of annotations whose segmentation turned out to be invalid. */
  maskless: Set<number>;
  /** 'annotation ID of FILE' for those whose box or mask has no area inside the image. */
  outside: Set<string>;
  binding: Binding;
};
