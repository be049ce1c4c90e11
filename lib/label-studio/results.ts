import {Turn} from '../basics/turns.js';
import {listed} from '../basics/wording.js';
import {hasMask, type NumberedImage} from '../export/annotations.js';
import {croppedObjects} from '../export/crops.js';
import {
  brushRegion,
  polygonRegion,
  predictionScore,
  rectangleRegion,
  resultOf,
} from '../export/formats/label-studio-results.js';
import {describeLoss, Losses, type LossKind} from '../export/losses.js';
import {singleRing} from '../export/single-ring.js';
import {detectedImage} from '../export/write-detections.js';
import {maskPolygons} from '../masks/outlines.js';
import type {Detections} from '../model/detections.js';
import {type Control, type LabelConfig, labelFor} from './label-config.js';

/** A prediction as the tool takes it. */
export type Prediction = {result: object[]; score: number; model_version: string};

/** What is said of the predictions of a request. */
export class Notices {
  readonly #unknown = new Map<string, number>();
  readonly #losses = new Losses();
  readonly #others: string[] = [];

  /** A class for which the labelling configuration has no place. */
  leaveOut(className: string): void {
    this.#unknown.set(className, (this.#unknown.get(className) ?? 0) + 1);
  }

  lose(image: string, lost: ReadonlyMap<LossKind, ReadonlyMap<number, number>>): void {
    this.#losses.add(image, lost);
  }

  add(sentence: string): void {
    this.#others.push(sentence);
  }

  list(): string[] {
    const classes = [...this.#unknown].map(([name, number]) => `${number} of class ${name}`);
    return [
      ...(classes.length === 0
        ? []
        : [
            `Objects were left out, because the labelling configuration has no place for them: ${listed(classes, 10)}.`,
          ]),
      ...this.#losses.list().map((loss) => describeLoss('Label Studio', loss)),
      ...this.#others,
    ];
  }
}

/**
 * The objects of an image as regions of the tool: a polygon where the object is one piece without holes, else a brush
 * stroke; without a brush, one polygon in which holes are filled. Where there are only rectangles, or only the box is
 * known, a rectangle.
 */
export async function predictionOf(
  found: Detections,
  config: LabelConfig,
  {name, version, notices}: {name: string; version: string; notices: Notices},
): Promise<Prediction> {
  const {width, height, classNames, scores} = found;
  const size = {width, height};
  const lost = new Map<LossKind, Map<number, number>>();
  const {objects, ...image} = detectedImage(found, name);
  const wanted = objects.map((object, i) => ({...object, controls: controlsFor(config, classNames[i]!, scores[i]!)}));
  for (const [i, {controls, mask}] of wanted.entries()) {
    const fits = mask === undefined ? controls.rectangle : Object.values(controls)[0];
    if (fits === undefined && !isUnwanted(config, classNames[i]!, scores[i]!)) notices.leaveOut(classNames[i]!);
  }
  const masked = wanted.filter(hasMask).filter(({controls}) => Object.keys(controls).length > 0);
  const boxes = wanted.filter((object) => !hasMask(object) && object.controls.rectangle !== undefined);
  const numbered: NumberedImage = {
    ...image,
    objects: masked,
    boxes,
    split: undefined,
    index: 0,
    objectsBefore: 0,
    lose(kind, object, number = 1) {
      const byObject = lost.get(kind) ?? new Map<number, number>();
      lost.set(kind, byObject.set(object, (byObject.get(object) ?? 0) + number));
    },
  };
  const results: object[] = [];
  const put = (region: Parameters<typeof resultOf>[0], {control}: Place, score: number | undefined) => {
    results.push(resultOf(region, {id: results.length + 1, from: control.name, to: config.image, size, score}));
  };
  const turn = new Turn();
  for await (const object of croppedObjects(numbered)) {
    if (turn.isOver()) await turn.next();
    const {id, mask, crop, box, score} = object;
    const {polygon, brush, rectangle} = masked[id - 1]!.controls;
    const [only, ...others] = polygon === undefined ? [] : await maskPolygons(mask);
    const isPlain = only !== undefined && others.length === 0 && only.holes.length === 0;
    if (polygon !== undefined && isPlain) put(polygonRegion(only.outer, size, polygon.label), polygon, score);
    else if (brush !== undefined) put(await brushRegion(crop, size, brush.label, turn), brush, score);
    else if (polygon !== undefined) {
      put(polygonRegion(await singleRing(object, numbered), size, polygon.label), polygon, score);
    } else put(rectangleRegion(box, size, rectangle!.label), rectangle!, score);
  }
  for (const {box, score, controls} of boxes) {
    put(rectangleRegion(box, size, controls.rectangle!.label), controls.rectangle!, score);
  }
  notices.lose(name, lost);
  return {result: results, score: predictionScore([...masked, ...boxes]), model_version: version};
}

type Place = {control: Control; label: string};

/** For each kind of region, the first control that has a label for the class and takes the score. */
function controlsFor(
  {controls}: LabelConfig,
  className: string,
  score: number,
): Partial<Record<Control['kind'], Place>> {
  const places: Partial<Record<Control['kind'], Place>> = {};
  for (const control of controls) {
    const label = labelFor(control, className);
    if (label !== undefined && score >= control.threshold) places[control.kind] ??= {control, label};
  }
  return places;
}

/** Whether the configuration has the class, and wants better scores. */
function isUnwanted({controls}: LabelConfig, className: string, score: number): boolean {
  return controls.some((control) => labelFor(control, className) !== undefined && score < control.threshold);
}
