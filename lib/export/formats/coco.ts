import {Turn} from '../../basics/turns.js';
import {maskPolygons} from '../../masks/outlines.js';
import type {Rle} from '../../masks/rle.js';
import {rleToRuns} from '../../masks/rle-operations.js';
import type {NumberedImage} from '../annotations.js';
import {maskExtents} from '../crops.js';
import type {ExportFormat, Segmentation} from '../format.js';
import {LOSSES} from '../losses.js';

/**
 * An instances file: annotations.json beside the images, or annotations/instances_SPLIT.json and SPLIT/ as in COCO's
 * own archives. Ids count from 1: pycocotools takes a match with annotation 0 for
 * none.
 */
export const coco: ExportFormat = {
  name: 'COCO',
  key: 'coco',
  writes: 'annotations.json',
  holds: {classes: true, unused: true, scores: true, crowds: true, boxes: true},
  segmentations: ['rle', 'runs', 'polygons'],
  imageFolder: (split) => split ?? '',
  document(split, {classes, segmentation = 'rle'}) {
    // The list of images stands at the end: only it is kept in memory.
    const images: string[] = [];
    const categories = classes.map((name, i) => JSON.stringify({id: i + 1, name, supercategory: ''}));
    return {
      path: split === undefined ? 'annotations.json' : `annotations/instances_${split}.json`,
      head: `{"categories": [\n${categories.join(',\n')}\n],\n"annotations": [\n`,
      between: ',\n',
      async items(image) {
        const {index, name, width, height} = image;
        images[index] = JSON.stringify({id: index + 1, file_name: name, width, height});
        return annotationsOf(image, segmentation);
      },
      tail: () => `\n],\n"images": [\n${images.join(',\n')}\n]}\n`,
    };
  },
};

async function annotationsOf(image: NumberedImage, form: Segmentation): Promise<string[]> {
  const annotations: string[] = [];
  const extents = await maskExtents(image);
  const turn = new Turn();
  for (const [i, {label, box, area, mask, score, crowd}] of image.objects.entries()) {
    if (turn.isOver()) await turn.next();
    const annotation = {
      id: image.objectsBefore + i + 1,
      image_id: image.index + 1,
      category_id: label,
      // A detection's own box is close to its mask only. Who corrects detections expects that the two fit.
      bbox: score === undefined ? box : extents[i]!.box,
      area: area ?? extents[i]!.area,
      iscrowd: Number(crowd),
      segmentation: await segmentationOf(mask, form, (holes) => image.lose(LOSSES.holes, i + 1, holes)),
      ...(score !== undefined && {score}),
    };
    annotations.push(JSON.stringify(annotation));
  }
  for (const {label, box, area = box[2] * box[3], score, crowd} of image.boxes) {
    const annotation = {
      id: image.objectsBefore + annotations.length + 1,
      image_id: image.index + 1,
      category_id: label,
      bbox: box,
      area,
      iscrowd: Number(crowd),
      segmentation: [],
      ...(score !== undefined && {score}),
    };
    annotations.push(JSON.stringify(annotation));
  }
  return annotations;
}

/** Polygons have no holes: `lose` is told how many are filled. A mask without pixels has run lengths in any form. */
async function segmentationOf(mask: Rle, form: Segmentation, lose: (holes: number) => void): Promise<unknown> {
  if (form === 'runs') return {size: mask.size, counts: await rleToRuns(mask)};
  const polygons = form === 'polygons' ? await maskPolygons(mask) : [];
  if (polygons.length === 0) return mask;
  const holes = polygons.reduce((sum, each) => sum + each.holes.length, 0);
  if (holes > 0) lose(holes);
  return polygons.map(({outer}) => outer);
}
