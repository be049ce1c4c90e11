import {count} from '../basics/wording.js';
import type {Dataset} from '../datasets/dataset.js';
import {describeNotices, type FileNotice} from '../image/notices.js';
import type {MaskRcnn} from '../model/model.js';
import {type ClassCount, summarizeCounts} from './count-errors.js';
import type {Evaluation, EvaluationDetails, ImageScores} from './evaluation.js';
import type {ImageResult} from './image-result.js';
import {type NucleiCounts, nucleiScores, summarizeNuclei} from './nucleus-scores.js';
import {type ObjectCounts, objectScores, summarizeObjects} from './object-scores.js';
import {DetectedObjects} from './object-table.js';
import {type PixelCounts, pixelScores, summarizePixels} from './pixel-scores.js';
import {cocoNames, writeResults} from './results-file.js';
import {ScoredData} from './scored-data.js';
import {tallyOf} from './true-positives.js';

/** Collects the results of all images, in the order of the data set, and makes the scores of the data set from them. */
export class Results {
  readonly #data: Dataset;
  readonly #scored: ScoredData;
  readonly #detected = new DetectedObjects();
  readonly #pixels: PixelCounts[] = [];
  readonly #objects: ObjectCounts[] = [];
  readonly #nuclei: NucleiCounts[] = [];
  readonly #counts: ClassCount[][] = [];
  readonly #images: ImageScores[] = [];
  readonly #files: FileNotice[] = [];

  constructor(data: Dataset) {
    this.#data = data;
    this.#scored = new ScoredData(data);
  }

  add({index, file, size, truth, detected, pixels, objects, nuclei, counts, notices}: ImageResult): void {
    this.#scored.addTruth(index, {size, objects: truth});
    for (const object of detected) this.#detected.add(index, object);
    this.#pixels.push(pixels);
    this.#objects.push(objects);
    this.#nuclei.push(nuclei);
    this.#counts.push(counts);
    this.#images.push({
      file,
      pixel: pixelScores(pixels),
      objects: {...objectScores(objects), ...tallyOf(objects)},
      nuclei: nucleiScores(nuclei),
      counts: counts.filter(({truth, predicted}) => truth > 0 || predicted > 0),
    });
    this.#files.push(...notices);
  }

  /** The scores of all images. Writes `results` if it is asked for. */
  async summarize(
    model: MaskRcnn,
    {
      results,
      onNotice,
      scoreThreshold,
    }: {
      results?: string | undefined;
      onNotice?: ((notice: string) => void) | undefined;
      scoreThreshold: number;
    },
  ): Promise<Evaluation & {details: EvaluationDetails}> {
    const [data, scored, detected] = [this.#data, this.#scored, this.#detected];
    for (const notice of describeNotices(this.#files)) onNotice?.(notice);
    if (results !== undefined) {
      await writeResults(results, detected, cocoNames(data), (image) => scored.sizeOf(image));
    }
    const hasMasks = model.options.masks === 'instance' && scored.hasMasks;
    const bbox = await scored.score(detected, 'box');
    const segm = hasMasks ? await scored.score(detected, 'mask') : undefined;
    const confusion = await scored.confusion(detected, hasMasks ? 'mask' : 'box', {iouThreshold: 0.5, scoreThreshold});
    if (!hasMasks) onNotice?.(BOXES_NOTICE);
    else if (scored.boxImages > 0) onNotice?.(boxImagesNotice(scored.boxImages, data.length));
    return {
      bbox: bbox.scores,
      segm: segm?.scores ?? null,
      pixel: summarizePixels(this.#pixels),
      objects: summarizeObjects(this.#objects),
      nuclei: summarizeNuclei(this.#nuclei),
      counts: summarizeCounts(this.#counts),
      details: {
        scoreThreshold,
        images: this.#images,
        curves: {bbox: bbox.curves, segm: segm?.curves ?? null},
        matches: {bbox: bbox.matches, segm: segm?.matches ?? null},
        confusion,
      },
    };
  }
}

/** There is no image with masks on both sides. */
const BOXES_NOTICE = 'Boxes are scored, not masks: a pixel belongs to an object if it is in its box.';

function boxImagesNotice(images: number, of: number): string {
  const are = images === 1 ? 'is' : 'are';
  return (
    `${images} of ${count(of, 'image')} ${are} not in the COCO scores of masks, as only the box of some object is known ` +
    'there. The other scores compare boxes on them.'
  );
}
