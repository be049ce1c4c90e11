import {oneOf, type Rule} from '../basics/schema.js';
import type {ExportFormat} from './format.js';
import {coco} from './formats/coco.js';
import {cvat} from './formats/cvat.js';
import {geojson} from './formats/geojson.js';
import {imagej} from './formats/imagej.js';
import {labelStudio} from './formats/label-studio.js';
import {labelme} from './formats/labelme.js';
import {masks, masksTiff} from './formats/masks.js';
import {supervisely} from './formats/supervisely.js';
import {via} from './formats/via.js';
import {yolo} from './formats/yolo.js';

/** All formats that can be written, in the order of the documents. */
export const EXPORT_FORMATS: readonly ExportFormat[] = [
  masks,
  masksTiff,
  coco,
  yolo,
  labelme,
  via,
  cvat,
  labelStudio,
  supervisely,
  geojson,
  imagej,
];

/** The name of a format that can be written. */
export type ExportFormatName =
  | 'masks'
  | 'masks-tiff'
  | 'coco'
  | 'yolo'
  | 'labelme'
  | 'via'
  | 'cvat'
  | 'label-studio'
  | 'supervisely'
  | 'geojson'
  | 'imagej';

export const exportFormatRule: Rule = oneOf(...EXPORT_FORMATS.map(({key}) => key));

export function exportFormat(key: ExportFormatName): ExportFormat {
  return EXPORT_FORMATS.find((format) => format.key === key)!;
}
