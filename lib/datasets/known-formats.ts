import {access} from 'node:fs/promises';
import {join} from 'node:path';
import type {Schema} from '../basics/schema.js';
import {text} from '../basics/schema.js';
import {AnnotatedImages} from './annotated/annotated-images.js';
import {ANNOTATED_OPTIONS} from './annotated/annotated-options.js';
import type {Format, ReaderOptions} from './annotated/format.js';
import type {Place} from './annotated/place.js';
import {cvat} from './annotated/readers/cvat.js';
import {geojson} from './annotated/readers/geojson.js';
import {imagej} from './annotated/readers/imagej.js';
import {labelStudio} from './annotated/readers/label-studio.js';
import {labelme} from './annotated/readers/labelme.js';
import {maskFiles} from './annotated/readers/mask-files.js';
import {supervisely} from './annotated/readers/supervisely.js';
import {via} from './annotated/readers/via.js';
import {yolo} from './annotated/readers/yolo.js';
import {Coco} from './coco/coco.js';
import {COCO_OPTIONS} from './coco/coco-options.js';
import type {Dataset} from './dataset.js';
import {MASK_SUFFIXES} from './folder-scan.js';
import {MaskFolder} from './mask-folder.js';
import {MASK_FOLDER_OPTIONS} from './mask-folder-options.js';
import {IMAGE_FOLDERS, MASK_FOLDERS} from './misplaced.js';
import {NPY} from './read-mask-file.js';
import {VOC_OPTIONS, VocSegmentation} from './voc-segmentation.js';

type Options = Readonly<Record<string, unknown>>;

/** A data set that was recognised and not yet read. */
export type Recognised = {
  /** What there is, for messages: '3 of LabelMe's JSON files'. */
  seen: string;
  /** Names of the parts, such as train and valid. Empty if it is not split. */
  splits: readonly string[];
  /** `defaultClass`: of objects without a class. */
  open(options: Options, split: string | undefined, defaultClass: string): Promise<Dataset>;
};

/** A kind of data set, with the options that it takes. */
export type KnownFormat = {
  /** Name for people. */
  name: string;
  /** The value of the option `format`. */
  key: string;
  /** What such a data set looks like. */
  looks: string;
  options: Schema;
  recognise(place: Place): Promise<Recognised | undefined>;
  /** Opens what was not recognised, for an error that says what is missing. */
  force?(path: string, options: Options, defaultClass: string): Promise<Dataset>;
};

const READER_OPTIONS: Schema = {...ANNOTATED_OPTIONS, images: text};

/** The name of Roboflow's annotation files. */
const ROBOFLOW_FILE = '_annotations.coco.json';

export const coco: KnownFormat = {
  name: 'COCO',
  key: 'coco',
  looks: 'an instances JSON file in COCO format, or a folder with it and the images',
  options: COCO_OPTIONS,
  force: (path, options) => Coco.open(path, options),
  async recognise(place) {
    const [file, ...others] = place.files.includes(ROBOFLOW_FILE)
      ? [ROBOFLOW_FILE]
      : await place.whose('.json', isCoco);
    if (file === undefined || others.length > 0) {
      const standard = await standardCoco(place);
      if (standard !== undefined || file === undefined) return standard;
      const several = [file, ...others];
      return {
        seen: `${several.length} files in COCO format`,
        splits: [],
        open: async (options) => Coco.open(place.onlyOne(several, 'file in COCO format'), options),
      };
    }
    const path = place.pathOf(file);
    return {seen: path, splits: [], open: (options) => Coco.open(path, options)};
  },
};

/** `images` and `annotations` are lists of objects: other tools have only one of these names, or lists of text. */
function isCoco(head: string): boolean {
  if (/^\ufeff?\s*\[/.test(head)) return false; // a list of tasks of Label Studio
  return (
    /"(images|annotations|categories)"\s*:\s*\[\s*\{/.test(head) &&
    !/"shape_attributes"|"(data|completions)"\s*:/.test(head)
  );
}

/** annotations/instances_train2017.json beside train2017/, as COCO's own archives unpack. */
async function standardCoco(place: Place): Promise<Recognised | undefined> {
  if (!place.folders.includes('annotations')) return undefined;
  const annotations = await place.inside('annotations');
  const splits = annotations.files.flatMap((name) => /^instances_(.+)\.json$/.exec(name)?.[1] ?? []);
  if (splits.length === 0) return undefined;
  return {
    seen: `annotations/instances_${splits[0]}.json`,
    splits,
    open: async (options, split) => {
      const folders = [split!, join('images', split!), 'images'].map((name) => join(place.path, name));
      const there = await Promise.all(
        folders.map((folder) =>
          access(folder).then(
            () => true,
            () => false,
          ),
        ),
      );
      const images = folders[there.indexOf(true)] ?? folders[0]!;
      return Coco.open(annotations.pathOf(`instances_${split}.json`), {images, ...options});
    },
  };
}

const voc: KnownFormat = {
  name: 'Pascal VOC',
  key: 'voc',
  looks: 'a folder in Pascal VOC format',
  options: VOC_OPTIONS,
  async recognise(place) {
    if (!place.folders.includes('ImageSets')) return undefined;
    if (!(await place.inside('ImageSets')).folders.includes('Segmentation')) return undefined;
    return {
      seen: 'ImageSets/Segmentation',
      splits: [],
      open: (options) => VocSegmentation.open(place.path, options),
    };
  },
};

export const maskFolder: KnownFormat = {
  name: 'a folder of images and masks',
  key: 'masks',
  looks:
    'a folder of images and masks with one number per object: NAME.png next to NAME_anno.png, or images/ and masks/',
  options: MASK_FOLDER_OPTIONS,
  force: openMaskFolder,
  async recognise(place) {
    if (place.isFile) return undefined;
    const stems = place.images.map((name) => name.replace(/\.[^.]+$/, ''));
    const known = new Set(stems);
    const others = new Set(place.files);
    const isPaired = (stem: string) =>
      [...MASK_SUFFIXES, '_labels'].some((suffix) => known.has(stem + suffix)) || others.has(`${stem}_seg.npy`);
    const pairs = stems.filter(isPaired);
    const named = (names: readonly string[]) => place.folders.filter((name) => names.includes(name.toLowerCase()));
    const hasFolders = named(IMAGE_FOLDERS).length > 0 && (await someHasImages(place, named(MASK_FOLDERS)));
    if (pairs.length === 0 && !hasFolders) return undefined;
    const seen = pairs.length > 0 ? `${pairs.length} images with masks` : `folders ${place.folders.join(', ')}`;
    return {seen, splits: [], open: (options, _, defaultClass) => openMaskFolder(place.path, options, defaultClass)};
  },
};

/** Other formats have folders of these names, too, but no images or arrays in them. */
async function someHasImages(place: Place, folders: readonly string[]): Promise<boolean> {
  const places = await Promise.all(folders.map((name) => place.inside(name)));
  return places.some((each) => each.images.length > 0 || each.withExtension(NPY).length > 0);
}

function openMaskFolder(path: string, options: Options, defaultClass: string): Promise<MaskFolder> {
  return MaskFolder.open(path, {classes: [defaultClass], ...options});
}

/** A reader of annotations as a kind of data set. */
function annotated(format: Format, more: Schema = {}): KnownFormat {
  const {name, key, looks} = format;
  return {
    name,
    key,
    looks,
    options: {...READER_OPTIONS, ...more},
    async recognise(place) {
      const found = await format.recognise(place);
      if (found === undefined) return undefined;
      const {seen, splits} = found;
      return {
        seen,
        splits,
        open: async ({images, attribute, ...options}, split, defaultClass) => {
          const {page} = options;
          const given = {
            ...(images !== undefined && {images}),
            ...(attribute !== undefined && {attribute}),
            ...(page !== undefined && {page}),
          };
          const annotations = await found.read(given as ReaderOptions, split);
          return AnnotatedImages.of(annotations, {format: name, path: place.path, options, defaultClass});
        },
      };
    },
  };
}

/** All kinds of data sets, in the order of the documents. */
export const KNOWN_FORMATS: readonly KnownFormat[] = [
  maskFolder,
  coco,
  annotated(yolo),
  annotated(labelme),
  annotated(via, {attribute: text}),
  annotated(cvat),
  annotated(labelStudio),
  annotated(supervisely),
  annotated(geojson),
  annotated(imagej),
  annotated(maskFiles),
  voc,
];
