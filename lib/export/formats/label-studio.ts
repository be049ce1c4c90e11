import {Turn} from '../../basics/turns.js';
import {colorOf} from '../../draw/colors.js';
import {maskPolygons} from '../../masks/outlines.js';
import type {NumberedImage} from '../annotations.js';
import {croppedObjects} from '../crops.js';
import {type ExportContext, type ExportFormat, inSplit} from '../format.js';
import {hexColor} from '../hex-color.js';
import {pointsOf} from '../rings.js';
import {xmlText} from '../xml-text.js';
import {brushOf} from './label-studio-brush.js';

/** How Label Studio calls files below its document root (its documentation of local storage). */
const LOCAL_FILES = '/data/local-files/?d=';

/** Names of the controls in the labelling configuration. */
const [IMAGE, POLYGON, BRUSH, RECTANGLE] = ['image', 'polygon', 'brush', 'rectangle'] as const;

/** The decimals of coordinates in percent: a millionth of the width is less than a tenth of a pixel. */
const DECIMALS = 6;

/**
 * Tasks as Label Studio imports them, with the labelling configuration that they need. What people annotated is in
 * annotations, and detections are predictions. An object in one piece without holes is a polygon, and others are brush
 * strokes, since polygons have neither. Objects of which only the box is known are rectangles.
 */
export const labelStudio: ExportFormat = {
  name: 'Label Studio',
  key: 'label-studio',
  writes: 'tasks.json, with the labelling configuration in label-config.xml',
  holds: {classes: true, unused: false, scores: true, crowds: false, boxes: true},
  imageFolder: (split) => split ?? '',
  document: (split, context) => ({
    path: inSplit(split, 'tasks.json'),
    head: '[\n',
    between: ',\n',
    items: async (image) => [await taskOf(image, context)],
    tail: () => '\n]\n',
  }),
  description: ({classes}) => [{path: 'label-config.xml', content: configOf(classes)}],
};

/** The task of an image, as JSON. */
async function taskOf(image: NumberedImage, context: ExportContext): Promise<string> {
  const {name, split, width, height} = image;
  const path = inSplit(split, name).split('/').map(encodeURIComponent).join('/');
  const data = JSON.stringify({[IMAGE]: LOCAL_FILES + path});
  const results: string[] = [];
  const commonOf = (id: number, score: number | undefined) => ({
    id: `object-${id}`,
    to_name: IMAGE,
    original_width: width,
    original_height: height,
    image_rotation: 0,
    ...(score !== undefined && {score}),
  });
  const turn = new Turn();
  for await (const {id, label, score, mask, crop} of croppedObjects(image)) {
    if (turn.isOver()) await turn.next();
    const labels = [context.classes[label - 1]!];
    const common = commonOf(id, score);
    const polygons = await maskPolygons(mask);
    const [only] = polygons;
    if (only !== undefined && polygons.length === 1 && only.holes.length === 0) {
      const points = pointsOf(only.outer).map(([x, y]) => [percent(x, width), percent(y, height)]);
      const value = {points, closed: true, polygonlabels: labels};
      results.push(JSON.stringify({...common, from_name: POLYGON, type: 'polygonlabels', value}));
    } else {
      const rle = await brushOf(crop, {width, height}, turn);
      const value = {format: 'rle', rle, brushlabels: labels};
      results.push(JSON.stringify({...common, from_name: BRUSH, type: 'brushlabels', value}));
    }
  }
  for (const {label, box, score} of image.boxes) {
    const [x, y, w, h] = box.map((value, i) => percent(value, i % 2 === 0 ? width : height));
    const value = {x, y, width: w, height: h, rotation: 0, rectanglelabels: [context.classes[label - 1]!]};
    const common = commonOf(results.length + 1, score);
    results.push(JSON.stringify({...common, from_name: RECTANGLE, type: 'rectanglelabels', value}));
  }
  const result = `"result": [${results.join(',\n')}]`;
  if (!context.scored) return `{"data": ${data}, "annotations": [{${result}}]}`;
  const scores = [...image.objects, ...image.boxes].map(({score}) => score ?? 0);
  const mean = scores.length === 0 ? 0 : scores.reduce((sum, each) => sum + each, 0) / scores.length;
  return `{"data": ${data}, "predictions": [{"model_version": "maskrcnn", "score": ${mean}, ${result}}]}`;
}

function percent(value: number, of: number): number {
  return Number(((100 * value) / of).toFixed(DECIMALS));
}

function configOf(classes: readonly string[]): string {
  const labels = classes.map(
    (name, i) => `    <Label value="${xmlText(name)}" background="${hexColor(colorOf(i))}"/>\n`,
  );
  return `<View>
  <Image name="${IMAGE}" value="$${IMAGE}"/>
  <PolygonLabels name="${POLYGON}" toName="${IMAGE}">
${labels.join('')}  </PolygonLabels>
  <BrushLabels name="${BRUSH}" toName="${IMAGE}">
${labels.join('')}  </BrushLabels>
  <RectangleLabels name="${RECTANGLE}" toName="${IMAGE}">
${labels.join('')}  </RectangleLabels>
</View>
`;
}
