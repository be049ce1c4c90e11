import {posix} from 'node:path';
import {MaskRcnnError} from '../../basics/errors.js';
import {Turn} from '../../basics/turns.js';
import {NO_CLASSES} from '../../datasets/annotated/readers/labelme.js';
import type {InstanceMask} from '../../datasets/dataset.js';
import {loadSharp} from '../../image/load-sharp.js';
import {maskPolygons} from '../../masks/outlines.js';
import {type NumberedImage, stemOf} from '../annotations.js';
import {type CroppedObject, croppedObjects} from '../crops.js';
import {type ExportContext, type ExportFormat, inSplit} from '../format.js';
import {pointsOf} from '../rings.js';

/** The version of LabelMe whose fields these are. */
const VERSION = '5.5.0';

/** One JSON file for each image, beside it. */
export const labelme: ExportFormat = {
  name: 'LabelMe',
  key: 'labelme',
  writes: 'NAME.json for each image',
  holds: {classes: true, unused: false, scores: true, crowds: false, boxes: false},
  imageFolder: (split) => split ?? '',
  async files(image, context) {
    const {name, location, width, height, split} = image;
    const path = inSplit(split, `${stemOf(name)}.json`);
    const imagePath = posix.relative(posix.dirname(path), location ?? inSplit(split, name));
    const shapes = await shapesOf(image, context);
    const content = `{
  "version": "${VERSION}",
  "flags": {},
  "shapes": [
${shapes.map((shape) => `    ${shape}`).join(',\n')}
  ],
  "imagePath": ${JSON.stringify(imagePath)},
  "imageData": null,
  "imageHeight": ${height},
  "imageWidth": ${width}
}
`;
    return [{path, content}];
  },
  description({classes}) {
    const name = classes.find((each) => NO_CLASSES.has(each));
    if (name === undefined) return [];
    throw new MaskRcnnError('INVALID_OPTION', `A class must not be called '${name}', which LabelMe takes for none.`);
  },
};

/**
 * The shapes as JSON. An object without holes is a polygon, or several of one group. LabelMe's polygons have no holes,
 * so that an object with holes is a bitmap.
 */
async function shapesOf(image: NumberedImage, {classes}: ExportContext): Promise<string[]> {
  const shapes: string[] = [];
  const turn = new Turn();
  for await (const object of croppedObjects(image)) {
    if (turn.isOver()) await turn.next();
    const common = {label: classes[object.label - 1], ...describe(object)};
    const polygons = await maskPolygons(object.mask);
    if (polygons.some(({holes}) => holes.length > 0)) {
      shapes.push(JSON.stringify({...common, group_id: null, ...(await maskShape(object.crop))}));
      continue;
    }
    const group = polygons.length > 1 ? object.id : null;
    for (const {outer} of polygons) {
      const shape = {points: pointsOf(outer), group_id: group, shape_type: 'polygon', flags: {}, mask: null};
      shapes.push(JSON.stringify({...common, ...shape}));
    }
  }
  return shapes;
}

/** LabelMe shows the description of a shape, and has no field for a score. */
function describe({score}: CroppedObject): {description: string} {
  return {description: score === undefined ? '' : `score ${score.toFixed(4)}`};
}

/** Its points are the first and the last pixel. */
async function maskShape({left, top, width, height, data}: InstanceMask): Promise<Record<string, unknown>> {
  const sharp = await loadSharp();
  const png = await sharp(data, {raw: {width, height, channels: 1}})
    .toColourspace('b-w')
    .png()
    .toBuffer();
  const points = [
    [left, top],
    [left + width - 1, top + height - 1],
  ];
  return {points, shape_type: 'mask', flags: {}, mask: png.toString('base64')};
}
