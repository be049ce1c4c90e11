import {Turn} from '../../basics/turns.js';
import type {InstanceMask} from '../../datasets/dataset.js';
import {colorOf} from '../../draw/colors.js';
import {maskPolygons} from '../../masks/outlines.js';
import type {NumberedImage} from '../annotations.js';
import {type CroppedObject, croppedObjects, rowRuns} from '../crops.js';
import {type ExportContext, type ExportFormat, inSplit} from '../format.js';
import {hexColor} from '../hex-color.js';
import {pointsOf} from '../rings.js';
import {filledParts} from '../single-ring.js';
import {xmlText} from '../xml-text.js';

/** Name of the attribute that holds the score. */
const SCORE = 'score';

/**
 * One XML file of 'CVAT for images 1.1'. Objects of one part without holes are polygons, with which people of CVAT
 * work; the others are masks: bitmaps of their boxes, as run lengths row by row. With the segmentation 'masks', all are
 * masks; with 'polygons', all are polygons, those of several parts in a group. Objects of which only the box is known
 * are boxes.
 */
export const cvat: ExportFormat = {
  name: 'CVAT',
  key: 'cvat',
  writes: 'annotations.xml',
  holds: {classes: true, unused: true, scores: true, crowds: false, boxes: true},
  segmentations: ['masks', 'polygons'],
  imageFolder: (split) => split ?? '',
  document: (split, context) => ({
    path: inSplit(split, 'annotations.xml'),
    head: headOf(context),
    between: '',
    items: async (image) => [await imageElement(image, context)],
    tail: () => '</annotations>\n',
  }),
};

/** The labels, which CVAT compares with those of the task. */
function headOf({classes, scored}: ExportContext): string {
  const score = `          <attribute>
            <name>${SCORE}</name>
            <mutable>False</mutable>
            <input_type>text</input_type>
            <default_value></default_value>
            <values></values>
          </attribute>
`;
  const labels = classes.map(
    (name, i) => `        <label>
          <name>${xmlText(name)}</name>
          <color>${hexColor(colorOf(i))}</color>
          <type>any</type>
          <attributes>
${scored ? score : ''}          </attributes>
        </label>
`,
  );
  return `<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <labels>
${labels.join('')}      </labels>
    </task>
  </meta>
`;
}

/** The element of an object, or of a part of it. */
function element(
  kind: 'mask' | 'polygon' | 'box',
  shape: string,
  className: string,
  score: number | undefined,
): string {
  const attribute = score === undefined ? '' : `      <attribute name="${SCORE}">${score}</attribute>\n`;
  const source = score === undefined ? 'manual' : 'auto';
  const start = `    <${kind} label="${xmlText(className)}" source="${source}" occluded="0" ${shape} z_order="0">\n`;
  return `${start}${attribute}    </${kind}>\n`;
}

async function imageElement(image: NumberedImage, context: ExportContext): Promise<string> {
  const {name, width, height, index} = image;
  const {classes} = context;
  const lines = [`  <image id="${index}" name="${xmlText(name)}" width="${width}" height="${height}">\n`];
  const turn = new Turn();
  for await (const object of croppedObjects(image)) {
    if (turn.isOver()) await turn.next();
    const {label, score} = object;
    const rings = await ringsOf(object, image, context);
    if (rings === undefined) {
      lines.push(element('mask', await maskShape(object.crop, turn), classes[label - 1]!, score));
      continue;
    }
    // A group is one object. Its number must be no other's in the file.
    const group = rings.length > 1 ? ` group_id="${image.objectsBefore + object.id}"` : '';
    for (const ring of rings) {
      const points = pointsOf(ring).map(([x, y]) => `${x},${y}`);
      lines.push(element('polygon', `points="${points.join(';')}"${group}`, classes[label - 1]!, score));
    }
  }
  for (const {label, box, score} of image.boxes) {
    const [left, top, w, h] = box;
    const shape = `xtl="${left}" ytl="${top}" xbr="${left + w}" ybr="${top + h}"`;
    lines.push(element('box', shape, classes[label - 1]!, score));
  }
  lines.push('  </image>\n');
  return lines.join('');
}

/** The rings of an object that becomes polygons. Undefined for one that becomes a mask. */
async function ringsOf(
  object: CroppedObject,
  image: NumberedImage,
  {segmentation}: ExportContext,
): Promise<readonly (readonly number[])[] | undefined> {
  if (segmentation === 'masks') return undefined;
  const polygons = await maskPolygons(object.mask);
  if (segmentation === 'polygons') return filledParts(polygons, object, image);
  const [only, ...others] = polygons;
  return others.length === 0 && only!.holes.length === 0 ? [only!.outer] : undefined;
}

async function maskShape(crop: InstanceMask, turn: Turn): Promise<string> {
  const {left, top, width, height} = crop;
  const runs = await rowRuns(crop, turn);
  return `rle="${runs.join(', ')}" left="${left}" top="${top}" width="${width}" height="${height}"`;
}
