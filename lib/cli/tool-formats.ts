import type {ExportFormat} from '../export/format.js';
import {EXPORT_FORMATS} from '../export/formats.js';

/** `coco` alone are results, which have no classes and no sizes of images. */
const COCO_DATASET = 'coco-dataset';

export const TOOL_FORMATS = [
  'labelme',
  'cvat',
  'label-studio',
  'geojson',
  'imagej',
  'yolo',
  COCO_DATASET,
  'supervisely',
  'via',
] as const;

/** The name of an annotation tool's format in `--save`. */
export type ToolFormat = (typeof TOOL_FORMATS)[number];

export function isToolFormat(name: string): name is ToolFormat {
  return TOOL_FORMATS.includes(name as ToolFormat);
}

export function toolFormat(name: ToolFormat): ExportFormat {
  return EXPORT_FORMATS.find(({key}) => key === (name === COCO_DATASET ? 'coco' : name))!;
}

/** One line for each format of a tool, for help. */
export function toolHelp(indent: number): string {
  return TOOL_FORMATS.map((name) => {
    const {name: tool, writes} = toolFormat(name);
    return `${' '.repeat(indent)}${name}: ${tool}, ${writes}`;
  }).join('\n');
}
