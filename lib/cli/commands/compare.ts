import {join} from 'node:path';
import {MaskRcnnError} from '../../basics/errors.js';
import {bool, integer, number, text} from '../../basics/schema.js';
import {Place} from '../../datasets/annotated/place.js';
import type {Dataset} from '../../datasets/dataset.js';
import {compareEvaluations, type NamedEvaluation, RESAMPLES} from '../../evaluation/compare-evaluations.js';
import {evaluate, SCORE_THRESHOLD} from '../../evaluation/evaluate.js';
import {requireWritableFolder} from '../../files/writing.js';
import {arePixelsEqual, PIXEL_OPTIONS, type PixelOptions} from '../../image/pixel-options.js';
import {maskRcnn} from '../../model/create.js';
import {type Views, viewsRule} from '../../model/predict-options.js';
import {describeComparison} from '../../report/describe-comparison.js';
import {writeComparison} from '../../report/write-comparison.js';
import type {Command} from '../command.js';
import {DATA_HELP, DATA_OPTIONS, dataOptionsHelp, openImages, partDataOptions} from '../data-options.js';
import {DEVICE_HELP, DEVICE_OPTIONS, deviceOptions} from '../device-options.js';

export const compare: Command = {
  name: 'compare',
  summary: 'Score several weights on the same images: differences, with intervals, by score, class and image',
  help: () => `Usage: maskrcnn compare WEIGHTS WEIGHTS [WEIGHTS ...] DATA [OPTIONS]

Scores each WEIGHTS, a file or the folder of a run (its best.safetensors), on DATA, and compares all with the first.
The differences of the main scores have an interval by the paired bootstrap: it says how much they depend on the choice
of the images. Prints tables, and writes comparison.html, which opens without a server or a network, comparison.json,
scores.csv, classes.csv and images.csv.

${DATA_HELP}

  --score-threshold N only detections above this score count for pixels, objects and the number of objects, 0..1
                      (default 0.5); AP counts all
  --views N           test-time augmentation: average over 1, 2 or 4 mirrored views of each image (default 1)
  --resamples N       number of resamples of the images for the intervals; 0 for none (default ${RESAMPLES})
  --seed N            seed of the resamples (default 0)
  --output DIR        folder for the files (default runs/compare)
${DEVICE_HELP}
  --json              print the comparison as JSON

  maskrcnn compare runs/glas/best.safetensors runs/glas/last.safetensors GlaS --include 'testA_*' --classes gland

${dataOptionsHelp()}`,
  options: {
    ...DATA_OPTIONS,
    scoreThreshold: number({min: 0, max: 1}),
    views: viewsRule,
    resamples: integer({min: 0}),
    seed: integer({min: 0}),
    output: text,
    ...DEVICE_OPTIONS,
    json: bool,
  },
  takes: {min: 3, max: Number.POSITIVE_INFINITY, expected: 'at least two WEIGHTS and then DATA'},
  async run(options, positionals, {out, progress, signal}) {
    const all = positionals.slice(0, -1);
    const path = positionals.at(-1)!;
    const twice = all.find((weights, i) => all.indexOf(weights) !== i);
    if (twice !== undefined) {
      throw new MaskRcnnError('INVALID_OPTION', `maskrcnn compare takes each WEIGHTS once, got ${twice} twice.`);
    }
    const {data: dataOptions, others} = partDataOptions(options);
    const {
      scoreThreshold = SCORE_THRESHOLD,
      views = 1,
      resamples = RESAMPLES,
      seed = 0,
      output,
      json,
      ...device
    } = others;
    const folder = (output ?? join('runs', 'compare')) as string;
    await Place.at(path); // before anything is written or loaded
    await requireWritableFolder(folder);
    let data: Dataset | undefined;
    let pixels: PixelOptions | undefined;
    const evaluations: NamedEvaluation[] = [];
    for (const weights of all) {
      await using model = await maskRcnn({
        ...deviceOptions(device),
        weights,
        signal,
        onNotice: (notice) => progress.say(`${weights}: ${notice}`),
      });
      requireSameReading(pixels, model.pixels, {weights, first: all[0]!, given: dataOptions});
      pixels ??= model.pixels;
      // A folder of masks does not name its class: it is that of the first model if that has only one.
      const defaultClass = model.classes.length === 1 ? model.classes[0] : undefined;
      data ??= await openImages({...pixels, path, ...dataOptions}, defaultClass);
      const {length} = data;
      const evaluation = await evaluate(model, {
        data,
        scoreThreshold: scoreThreshold as number,
        views: views as Views,
        signal,
        onNotice: (notice) => progress.say(`${weights}: ${notice}`),
        onImage: (done) => progress.update({label: `Scoring ${weights}`, done, total: length, unit: 'count'}),
      });
      evaluations.push({name: weights, evaluation});
    }
    const comparison = await compareEvaluations(evaluations, {
      resamples: resamples as number,
      seed: seed as number,
      signal,
      onResample: (done) => progress.update({label: 'Resampling', done, total: resamples as number, unit: 'count'}),
    });
    progress.close();
    await writeComparison(comparison, {folder});
    out(json ? JSON.stringify(comparison, null, 2) : describeComparison(comparison));
    progress.say(`The page is ${join(folder, 'comparison.html')}.`);
  },
};

/** Throws INVALID_OPTION if weights were trained on images that were read in another way, and no flag says how. */
function requireSameReading(
  first: PixelOptions | undefined,
  own: PixelOptions,
  {weights, first: firstWeights, given}: {weights: string; first: string; given: object},
): void {
  if (first === undefined || arePixelsEqual(first, own)) return;
  if (Object.keys(PIXEL_OPTIONS).some((name) => Object.hasOwn(given, name))) return;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `maskrcnn compare reads the images once, but ${weights} was trained on images read in another way than ${firstWeights}.`,
    {hint: 'Say how to read them with --range, --page and --channels, or compare others.', file: weights},
  );
}
