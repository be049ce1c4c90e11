import {Turn} from '../../basics/turns.js';
import {colorOf} from '../../draw/colors.js';
import {maskPolygons} from '../../masks/outlines.js';
import type {NumberedImage} from '../annotations.js';
import {croppedObjects} from '../crops.js';
import {type ExportContext, type ExportFormat, inSplit} from '../format.js';
import {hexColor} from '../hex-color.js';
import {xmlText} from '../xml-text.js';
import {brushRegion, polygonRegion, predictionScore, rectangleRegion, resultOf} from './label-studio-results.js';

/** How Label Studio calls files below its document root (its documentation of local storage). */
const LOCAL_FILES = '/data/local-files/?d=';

/** Names of the controls in the labelling configuration. */
const [IMAGE, POLYGON, BRUSH, RECTANGLE] = ['image', 'polygon', 'brush', 'rectangle'] as const;

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
  imageFolder,
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
  const {name, width, height, doubt} = image;
  const path = [folderOf(image), name].flatMap((part) => part.split('/')).filter((part) => part !== '');
  const data = JSON.stringify({
    [IMAGE]: LOCAL_FILES + path.map(encodeURIComponent).join('/'),
    ...(doubt !== undefined && {doubt}),
  });
  const results: string[] = [];
  const turn = new Turn();
  const size = {width, height};
  for await (const {id, label, score, mask, crop} of croppedObjects(image)) {
    if (turn.isOver()) await turn.next();
    const name = context.classes[label - 1]!;
    const common = {id, to: IMAGE, size, score};
    const polygons = await maskPolygons(mask);
    const [only] = polygons;
    const result =
      only !== undefined && polygons.length === 1 && only.holes.length === 0
        ? resultOf(polygonRegion(only.outer, size, name), {...common, from: POLYGON})
        : resultOf(await brushRegion(crop, size, name, turn), {...common, from: BRUSH});
    results.push(JSON.stringify(result));
  }
  for (const {label, box, score} of image.boxes) {
    const region = rectangleRegion(box, size, context.classes[label - 1]!);
    const common = {id: results.length + 1, to: IMAGE, size, score};
    results.push(JSON.stringify(resultOf(region, {...common, from: RECTANGLE})));
  }
  const result = `"result": [${results.join(',\n')}]`;
  if (!context.scored) return `{"data": ${data}, "annotations": [{${result}}]}`;
  const score = predictionScore([...image.objects, ...image.boxes]);
  return `{"data": ${data}, "predictions": [{"model_version": "maskrcnn", "score": ${score}, ${result}}]}`;
}

/**
 * The tool serves files of folders inside its document root, but none of the root itself (validate_connection() of its
 * local storage), so images are always in a folder.
 */
function imageFolder(split: string | undefined): string {
  return split ?? 'images';
}

/** The folder of an image in the document root: of one that is elsewhere, the one that holds it. May be ''. */
function folderOf({name, location, split}: NumberedImage): string {
  if (location === undefined) return imageFolder(split);
  const above = location.endsWith(`/${name}`) ? location.slice(0, -name.length - 1) : '';
  return above.split('/').at(-1)!.replace(/^\.+$/, '');
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
