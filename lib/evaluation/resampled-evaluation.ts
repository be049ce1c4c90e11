import type {Turn} from '../basics/turns.js';
import type {Evaluation, EvaluationDetails, ImageScores} from './evaluation.js';
import {share} from './mean-scores.js';
import {ResampledAp} from './resampled-ap.js';
import {detectionScores} from './true-positives.js';

/** A score that is a mean over images: its path in `Evaluation`, and its value on an image. */
type ImageMean = {path: string[]; of: (image: ImageScores) => number | null};

/** Means over the images with objects. */
const MEANS: readonly ImageMean[] = [
  {path: ['pixel', 'mean', 'iou'], of: ({pixel}) => pixel.iou},
  {path: ['pixel', 'mean', 'f1'], of: ({pixel}) => pixel.f1},
  {path: ['objects', 'mean', 'f1'], of: ({objects}) => objects.f1},
  {path: ['objects', 'mean', 'dice'], of: ({objects}) => objects.dice},
  {path: ['nuclei', 'mean', 'aji'], of: ({nuclei}) => nuclei.aji},
  {path: ['nuclei', 'mean', 'pq'], of: ({nuclei}) => nuclei.pq},
];

type ResampledScores = {
  /** In the order of the paths. */
  scores: (number | null)[];
  /** AP of each class. Undefined of masks if there are none. */
  classes: {segm: (number | null)[] | undefined; bbox: (number | null)[]};
};

/** The main scores of an evaluation, and the AP of each class, for any choice of its images. */
export class ResampledEvaluation {
  /** The paths of the scores in `Evaluation`, in the order of `scores()`. */
  static readonly paths: readonly (readonly string[])[] = [
    ['segm', 'ap'],
    ['segm', 'ap50'],
    ['bbox', 'ap'],
    ...MEANS.map(({path}) => path),
    ['objects', 'pooled', 'f1'],
    ['counts', 'meanAbsoluteError'],
  ];

  /** Undefined for an evaluation without masks. */
  readonly #masks: ResampledAp | undefined;
  readonly #boxes: ResampledAp;
  readonly #images: readonly ImageScores[];
  /** For each mean, its value on each image; null on an image without objects, or where it has no value. */
  readonly #means: readonly (number | null)[][];
  readonly #countErrors: readonly number[];

  constructor({bbox, details: {matches, images}}: Evaluation & {details: EvaluationDetails}) {
    const {length} = bbox.classes;
    this.#masks = matches.segm === null ? undefined : new ResampledAp(matches.segm, length);
    this.#boxes = new ResampledAp(matches.bbox, length);
    this.#images = images;
    this.#means = MEANS.map(({of}) => images.map((image) => (image.objects.truth === 0 ? null : of(image))));
    this.#countErrors = images.map(({counts}) => Math.abs(counts.reduce((sum, {error}) => sum + error, 0)));
  }

  /** The scores if each image is taken as many times as `times` says. */
  async scores(times: Uint32Array, turn: Turn): Promise<ResampledScores> {
    const masks = await this.#masks?.scores(times, turn);
    const boxes = await this.#boxes.scores(times, turn);
    const means = this.#means.map((values) => weightedMean(values, times));
    const scores = [
      ...[masks?.ap ?? null, masks?.ap50 ?? null, boxes.ap, ...means],
      ...[this.#pooledF1(times), weightedMean(this.#countErrors, times)],
    ];
    return {scores, classes: {segm: masks?.classes, bbox: boxes.classes}};
  }

  #pooledF1(times: Uint32Array): number | null {
    const total = {truth: 0, predicted: 0, truePositives: 0, dropped: 0};
    for (const [i, {objects}] of this.#images.entries()) {
      for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += times[i]! * objects[name];
    }
    return detectionScores(total).f1;
  }
}

function weightedMean(values: readonly (number | null)[], times: Uint32Array): number | null {
  let [sum, taken] = [0, 0];
  for (const [i, value] of values.entries()) {
    if (value === null) continue;
    sum += times[i]! * value;
    taken += times[i]!;
  }
  return share(sum, taken);
}
