import type {Annotations} from './annotations.js';
import type {Place} from './place.js';

/** Options that readers of annotation formats may use. */
export type ReaderOptions = {
  /** Folder of the images. Default: where the format keeps them, or beside the annotations. */
  images?: string;
  faulty?: 'error' | 'skip';
  /** VIA: the attribute of regions that names their class. */
  attribute?: string;
  /** Number of the page of image files that is read, counted from 0: pages may have different sizes. */
  page?: number;
};

/** What a reader has recognised. */
export type Recognised = {
  /** What there is to read, for the message if several readers fit: '3 files NAME.json beside images'. */
  seen: string;
  /** Names of the parts of the data set, such as train and valid. Empty if it is not split. */
  splits: readonly string[];
  /** Reads the whole, or one split. Throws INVALID_DATASET. */
  read(options: ReaderOptions, split: string | undefined): Promise<Annotations>;
};

/** The reader of an annotation format. */
export type Format = {
  /** Name for people, such as 'LabelMe'. */
  name: string;
  /** Name for the option `format`, such as 'labelme'. */
  key: string;
  /** What a data set of this format looks like, for messages. */
  looks: string;
  /** Whether this format is at the place. Reads only names and the beginnings of files. */
  recognise(place: Place): Promise<Recognised | undefined>;
};
