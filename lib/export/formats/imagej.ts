import {buffer} from 'node:stream/consumers';
import {Turn} from '../../basics/turns.js';
import {colorOf} from '../../draw/colors.js';
import {maskPolygons} from '../../masks/outlines.js';
import {type NumberedImage, stemOf} from '../annotations.js';
import {croppedObjects} from '../crops.js';
import {type ExportContext, type ExportFormat, inSplit} from '../format.js';
import {roiOf} from './imagej-roi.js';

/** The same in all archives, so that the same regions make the same bytes. */
const TIME = {mtime: new Date(1980, 0, 1), forceDosTimestamp: true};

/** What names of files must not have on any system. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: file names must not have them
const UNSAFE = /[\\/:*?"<>|\u0000-\u001f]/g;

/** Regions for ImageJ's and Fiji's ROI Manager. They have names and colours, and no classes. */
export const imagej: ExportFormat = {
  name: 'ImageJ ROIs',
  key: 'imagej',
  writes: 'NAME_RoiSet.zip for each image',
  holds: {classes: false, scores: true, crowds: false},
  imageFolder: (split) => split ?? '',
  async files(image, context) {
    const {ZipFile} = await import('yazl');
    const zip = new ZipFile();
    for (const {name, bytes} of await roisOf(image, context)) zip.addBuffer(bytes, `${name}.roi`, TIME);
    zip.end();
    return [{path: inSplit(image.split, `${stemOf(image.name)}_RoiSet.zip`), content: await buffer(zip.outputStream)}];
  },
};

async function roisOf(image: NumberedImage, {classes}: ExportContext): Promise<{name: string; bytes: Buffer}[]> {
  const rois: {name: string; bytes: Buffer}[] = [];
  const digits = Math.max(4, String(image.objects.length).length);
  const turn = new Turn();
  for await (const {id, label, score, mask} of croppedObjects(image)) {
    if (turn.isOver()) await turn.next();
    const rings = (await maskPolygons(mask)).flatMap(({outer, holes}) => [outer, ...holes]);
    const words = [String(id).padStart(digits, '0'), classes[label - 1]!.replace(UNSAFE, '_'), score?.toFixed(3)];
    rois.push({name: words.filter((word) => word !== undefined).join(' '), bytes: roiOf(rings, colorOf(label - 1))});
  }
  return rois;
}
