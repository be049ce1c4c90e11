import {Turn} from '../../basics/turns.js';
import {colorOf} from '../../draw/colors.js';
import {ZipWriter} from '../../files/zip-writer.js';
import {maskPolygons} from '../../masks/outlines.js';
import {type NumberedImage, stemOf} from '../annotations.js';
import {numberedObjects} from '../crops.js';
import {type ExportContext, type ExportFormat, inSplit} from '../format.js';
import {roiOf} from './imagej-roi.js';

/** What names of files must not have on any system. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: file names must not have them
const UNSAFE = /[\\/:*?"<>|\u0000-\u001f]/g;

/** Regions for ImageJ's and Fiji's ROI Manager. They have names and colours, and no classes. */
export const imagej: ExportFormat = {
  name: 'ImageJ ROIs',
  key: 'imagej',
  writes: 'NAME_RoiSet.zip for each image',
  holds: {classes: false, unused: true, scores: true, crowds: false, boxes: false},
  imageFolder: (split) => split ?? '',
  async files(image, context) {
    const content = await roiSet(image, context);
    return [{path: inSplit(image.split, `${stemOf(image.name)}_RoiSet.zip`), content}];
  },
};

/** The archive. ImageJ shows the regions by the names of their files. */
async function roiSet(image: NumberedImage, {classes}: ExportContext): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const zip = new ZipWriter(async (bytes) => void pieces.push(bytes));
  const digits = Math.max(4, String(image.objects.length).length);
  const turn = new Turn();
  for await (const {id, label, score, mask} of numberedObjects(image)) {
    if (turn.isOver()) await turn.next();
    const rings = (await maskPolygons(mask)).flatMap(({outer, holes}) => [outer, ...holes]);
    const words = [String(id).padStart(digits, '0'), classes[label - 1]!.replace(UNSAFE, '_'), score?.toFixed(3)];
    const name = words.filter((word) => word !== undefined).join(' ');
    await zip.add(`${name}.roi`, roiOf(rings, colorOf(label - 1)));
  }
  await zip.finish();
  return Buffer.concat(pieces);
}
