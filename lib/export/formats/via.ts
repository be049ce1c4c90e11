import {Turn} from '../../basics/turns.js';
import type {NumberedImage} from '../annotations.js';
import {numberedObjects} from '../crops.js';
import {type ExportContext, type ExportFormat, inSplit} from '../format.js';
import {pointsOf} from '../rings.js';
import {singleRing} from '../single-ring.js';

/** The attributes of regions that hold the class and the score. */
const [CLASS, SCORE] = ['class', 'score'] as const;

/** VIA finds an image by its name and its size in bytes; -1 stands for an unknown size. */
const NO_SIZE = -1;

/** The regions of all images in one JSON file, as VGG Image Annotator 2 exports and imports them. */
export const via: ExportFormat = {
  name: 'VGG Image Annotator',
  key: 'via',
  writes: 'via_region_data.json',
  holds: {classes: true, unused: false, scores: true, crowds: false, boxes: false},
  imageFolder: (split) => split ?? '',
  document: (split, context) => ({
    path: inSplit(split, 'via_region_data.json'),
    head: '{\n',
    between: ',\n',
    items: async (image) => [await entryOf(image, context)],
    tail: () => '\n}\n',
  }),
};

async function entryOf(image: NumberedImage, {classes}: ExportContext): Promise<string> {
  const {name} = image;
  const regions: string[] = [];
  const turn = new Turn();
  for await (const object of numberedObjects(image)) {
    if (turn.isOver()) await turn.next();
    const points = pointsOf(await singleRing(object, image));
    const shape = {name: 'polygon', all_points_x: points.map(([x]) => x), all_points_y: points.map(([, y]) => y)};
    const {label, score} = object;
    const attributes = {[CLASS]: classes[label - 1], ...(score !== undefined && {[SCORE]: String(score)})};
    regions.push(JSON.stringify({shape_attributes: shape, region_attributes: attributes}));
  }
  const [key, file] = [name + NO_SIZE, name].map((text) => JSON.stringify(text));
  return `${key}: {"filename": ${file}, "size": ${NO_SIZE}, "regions": [${regions.join(',\n')}], "file_attributes": {}}`;
}
