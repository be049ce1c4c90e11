import {Turn} from '../../basics/turns.js';
import {colorOf} from '../../draw/colors.js';
import type {NumberedImage} from '../annotations.js';
import {bitmapPng, deflated} from '../bitmap-png.js';
import {croppedObjects} from '../crops.js';
import type {ExportContext, ExportFormat} from '../format.js';
import {hexColor} from '../hex-color.js';

/** The data set of a project that has no splits. */
const DATASET = 'dataset';

/** The tag of an object that holds its score, by the name that Supervisely's models give it. */
const CONFIDENCE = 'confidence';

/**
 * A project: meta.json, and a data set for each split with img/ and ann/. Objects are bitmaps of
 * their boxes. Those of which only the box is known are rectangles of whole pixels.
 */
export const supervisely: ExportFormat = {
  name: 'Supervisely',
  key: 'supervisely',
  writes: `meta.json, and ${DATASET}/ann/NAME.png.json for each image`,
  holds: {classes: true, unused: true, scores: true, crowds: false, boxes: true},
  imageFolder: (split) => `${split ?? DATASET}/img`,
  async files(image, context) {
    const {split, name, width, height} = image;
    const objects = await objectsOf(image, context);
    const content = `{"description": "", "tags": [], "size": {"height": ${height}, "width": ${width}}, "objects": [
${objects.join(',\n')}
]}
`;
    return [{path: `${split ?? DATASET}/ann/${name}.json`, content}];
  },
  description: (context) => [{path: 'meta.json', content: metaOf(context)}],
};

function metaOf({classes, scored}: ExportContext): string {
  const list = classes.map((title, i) => ({id: i + 1, title, shape: 'any', color: hexColor(colorOf(i))}));
  const tags = scored ? [{id: 1, name: CONFIDENCE, value_type: 'any_number', color: '#808080'}] : [];
  return `${JSON.stringify({classes: list, tags, projectType: 'images'}, null, 2)}\n`;
}

function tagsOf(score: number | undefined) {
  return score === undefined ? [] : [{name: CONFIDENCE, value: score}];
}

/** The objects, as JSON. */
async function objectsOf(image: NumberedImage, {classes}: ExportContext): Promise<string[]> {
  const objects: string[] = [];
  const turn = new Turn();
  for await (const {id, label, score, crop} of croppedObjects(image)) {
    if (turn.isOver()) await turn.next();
    const object = {
      id,
      classId: label,
      classTitle: classes[label - 1],
      description: '',
      geometryType: 'bitmap',
      tags: tagsOf(score),
      // The base64 of a zlib stream of a PNG.
      bitmap: {data: (await deflated(await bitmapPng(crop, turn))).toString('base64'), origin: [crop.left, crop.top]},
    };
    objects.push(JSON.stringify(object));
  }
  for (const {label, box, score} of image.boxes) {
    const [left, top, w, h] = box.map(Math.round) as [number, number, number, number];
    const object = {
      id: objects.length + 1,
      classId: label,
      classTitle: classes[label - 1],
      description: '',
      geometryType: 'rectangle',
      tags: tagsOf(score),
      // Both corners are pixels of the object.
      points: {
        exterior: [
          [left, top],
          [left + w - 1, top + h - 1],
        ],
        interior: [],
      },
    };
    objects.push(JSON.stringify(object));
  }
  return objects;
}
