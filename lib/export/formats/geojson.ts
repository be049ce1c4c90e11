import {Turn} from '../../basics/turns.js';
import {maskPolygons} from '../../masks/outlines.js';
import {type NumberedImage, stemOf} from '../annotations.js';
import {numberedObjects} from '../crops.js';
import {type ExportContext, type ExportFormat, inSplit} from '../format.js';
import {END, featureOf, HEAD} from '../geojson-feature.js';

/**
 * One collection of features for each image, as QuPath imports it. What people annotated are annotations, and what was
 * detected are detections, of which QuPath handles a million.
 */
export const geojson: ExportFormat = {
  name: 'GeoJSON',
  key: 'geojson',
  writes: 'NAME.geojson for each image',
  holds: {classes: true, unused: false, scores: true, crowds: false, boxes: false},
  imageFolder: (split) => split ?? '',
  async files(image, context) {
    const features = await featuresOf(image, context);
    const content = `${HEAD}${features.join(',\n')}${END}`;
    return [{path: inSplit(image.split, `${stemOf(image.name)}.geojson`), content}];
  },
};

/** The features, as JSON. Pixels of the masks are `downsample` units wide. */
export async function featuresOf(
  image: NumberedImage,
  {classes, scored, downsample = 1}: Pick<ExportContext, 'classes' | 'scored'> & {downsample?: number},
): Promise<string[]> {
  const features: string[] = [];
  const turn = new Turn();
  for await (const {id, label, score, mask} of numberedObjects(image)) {
    if (turn.isOver()) await turn.next();
    const className = classes[label - 1]!;
    const place = {left: 0, top: 0, downsample};
    features.push(featureOf(await maskPolygons(mask), {label, className, ...(scored && {id, score})}, place));
  }
  return features;
}
