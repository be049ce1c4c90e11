import {basename, extname, join, sep} from 'node:path';
import type {DrawOptions} from '../../draw/overlay.js';
import {type PictureFormat, pictureExtension} from '../../draw/picture-format.js';
import {LABELS_SUFFIX, OVERLAY_SUFFIX} from '../../files/prediction-names.js';
import type {OnTop} from '../../masks/paint-labels.js';
import type {ListedImage} from '../image-files.js';
import {isToolFormat, TOOL_FORMATS, type ToolFormat, toolFormat} from '../tool-formats.js';
import {COUNTS, OBJECTS} from './measurement-tables.js';

const OWN_FORMATS = ['overlay', 'json', 'coco', 'labels', 'labels-tiff', 'csv'] as const;
type OwnFormat = (typeof OWN_FORMATS)[number];
export type Format = OwnFormat | ToolFormat;
export const FORMATS: readonly Format[] = [...OWN_FORMATS, ...TOOL_FORMATS];

/** The formats that need no masks. */
export const WITHOUT_MASKS: readonly Format[] = [
  ...(['overlay', 'json', 'coco'] as const),
  ...TOOL_FORMATS.filter((name) => toolFormat(name).holds.boxes),
];

/** What to write, and where to. */
export type PredictionOutput = {
  folder: string;
  formats: readonly Format[];
  overlay: Pick<DrawOptions, 'quality' | 'scale'> & {format: PictureFormat};
  onTop: OnTop;
  /** For the tables: the length of a pixel's side in µm, if it is known. */
  micronsPerPixel?: number;
  /** Whether the images come with their doubt, of which there is a table. Default false. */
  doubt?: boolean;
  /** Whether files beside the images may be replaced. */
  overwrite: boolean;
};

export const IMAGES = 'images.json';
export const RESULTS = 'results.json';
export const DOUBT = 'doubt.csv';

/** The files of the formats that cover all images together. */
const SHARED_NAMES = {coco: [IMAGES, RESULTS], csv: [OBJECTS, COUNTS]};
type SharedFormat = keyof typeof SHARED_NAMES;
type ImageFormat = Exclude<OwnFormat, SharedFormat>;

/** An image to read, and the stem of the files made from it: their path in the output folder without suffix. */
export type ImageFile = {file: string; stem: string};

/** The file for one image in a format, relative to the output folder. */
export function fileName(stem: string, format: ImageFormat, {overlay}: PredictionOutput): string {
  const names = {
    overlay: `${stem}${OVERLAY_SUFFIX}${pictureExtension(overlay.format)}`,
    json: `${stem}.json`,
    labels: `${stem}${LABELS_SUFFIX}.png`,
    'labels-tiff': `${stem}${LABELS_SUFFIX}.tif`,
  };
  return names[format];
}

/** The file for a large image in GeoJSON. */
export const largeGeoJson = (stem: string) => join('geojson', `${stem}.geojson`);

/** Gives all output files distinct names, even on file systems that ignore case, as on macOS and Windows. */
export function nameImages(images: readonly ListedImage[], output: PredictionOutput): ImageFile[] {
  const taken = new Set(sharedNames(output));
  return images.map(({file, below}) => {
    const name = join(below, basename(file, extname(file)));
    let stem = name;
    const names = () => namesOf(stem, output).map((candidate) => candidate.toLowerCase());
    for (let number = 2; names().some((candidate) => taken.has(candidate)); number++) stem = `${name}-${number}`;
    for (const own of names()) taken.add(own);
    return {file, stem};
  });
}

/** The files for one image. */
export function namesOf(stem: string, output: PredictionOutput): string[] {
  return output.formats.flatMap((format) => {
    // What a tool's file is called, or the image in it, begins so.
    if (isToolFormat(format)) return [join(format, stem)];
    return isImageFormat(format) ? [fileName(stem, format, output)] : [];
  });
}

/** The files of one image, without those of tools. */
export function imageNames(stem: string, output: PredictionOutput): string[] {
  return output.formats.filter(isImageFormat).map((format) => fileName(stem, format, output));
}

/** The files of one large image, without those that are written when it is added to the files of all images. */
export function largeNames(stem: string, output: PredictionOutput): string[] {
  return [...imageNames(stem, output), ...(output.formats.includes('geojson') ? [largeGeoJson(stem)] : [])];
}

/** Whether a format of a tool is written of a large image from its detections, not object by object. */
export function isToolTable(format: Format): format is ToolFormat {
  return isToolFormat(format) && format !== 'geojson';
}

/** Whether a format, which is of no tool, has a file for each image. */
export function isImageFormat(format: Format): format is ImageFormat {
  return !isToolFormat(format) && !isShared(format);
}

/** The files for all images, but those of tools. */
export function sharedNames({formats, doubt = false}: Pick<PredictionOutput, 'formats' | 'doubt'>): string[] {
  return [...formats.flatMap((format) => (isShared(format) ? SHARED_NAMES[format] : [])), ...(doubt ? [DOUBT] : [])];
}

function isShared(format: Format): format is SharedFormat {
  return format in SHARED_NAMES;
}

/** A path with '/' on all systems. */
export function withSlashes(path: string): string {
  return path.split(sep).join('/');
}

/** A value as the text of a JSON file. */
export function toText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
