import {Turn} from '../../basics/turns.js';
import {colorOf} from '../../draw/colors.js';
import type {NumberedImage} from '../annotations.js';
import {croppedObjects, rowRuns} from '../crops.js';
import {type ExportContext, type ExportFormat, inSplit} from '../format.js';
import {hexColor} from '../hex-color.js';
import {xmlText} from '../xml-text.js';

/** Name of the attribute that holds the score. */
const SCORE = 'score';

/**
 * One XML file of 'CVAT for images 1.1'. Objects are masks: bitmaps of their boxes, as run lengths row by row. Those of
 * which only the box is known are boxes.
 */
export const cvat: ExportFormat = {
  name: 'CVAT',
  key: 'cvat',
  writes: 'annotations.xml',
  holds: {classes: true, unused: true, scores: true, crowds: false, boxes: true},
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

/** The element of an object. */
function element(kind: 'mask' | 'box', shape: string, className: string, score: number | undefined): string {
  const attribute = score === undefined ? '' : `      <attribute name="${SCORE}">${score}</attribute>\n`;
  const source = score === undefined ? 'manual' : 'auto';
  const start = `    <${kind} label="${xmlText(className)}" source="${source}" occluded="0" ${shape} z_order="0">\n`;
  return `${start}${attribute}    </${kind}>\n`;
}

async function imageElement(image: NumberedImage, {classes}: ExportContext): Promise<string> {
  const {name, width, height, index} = image;
  const lines = [`  <image id="${index}" name="${xmlText(name)}" width="${width}" height="${height}">\n`];
  const turn = new Turn();
  for await (const {label, score, crop} of croppedObjects(image)) {
    const runs = await rowRuns(crop, turn);
    const shape = `rle="${runs.join(', ')}" left="${crop.left}" top="${crop.top}" width="${crop.width}" height="${crop.height}"`;
    lines.push(element('mask', shape, classes[label - 1]!, score));
  }
  for (const {label, box, score} of image.boxes) {
    const [left, top, w, h] = box;
    const shape = `xtl="${left}" ytl="${top}" xbr="${left + w}" ybr="${top + h}"`;
    lines.push(element('box', shape, classes[label - 1]!, score));
  }
  lines.push('  </image>\n');
  return lines.join('');
}
