import {join} from 'node:path';
import {MaskRcnnError} from '../../basics/errors.js';
import {silentProgress} from '../../basics/progress.js';
import {bool, number, text} from '../../basics/schema.js';
import {Place} from '../../datasets/annotated/place.js';
import {joinGroup, type ProcessGroup} from '../../distributed/process-group.js';
import {evaluate as evaluateModel, SCORE_THRESHOLD} from '../../evaluation/evaluate.js';
import {evaluateResults} from '../../evaluation/evaluate-results.js';
import type {Evaluation, EvaluationDetails} from '../../evaluation/evaluation.js';
import {requireWritableFolder} from '../../files/writing.js';
import {maskRcnn} from '../../model/create.js';
import {type Views, viewsRule} from '../../model/predict-options.js';
import {describeClasses, describeEvaluation} from '../../report/describe-evaluation.js';
import {writeEvaluation} from '../../report/write-evaluation.js';
import {type Command, type CommandContext, ONE_DATA} from '../command.js';
import {
  DATA_HELP,
  DATA_OPTIONS,
  type DataSpec,
  dataOptionsHelp,
  openData,
  openImages,
  partDataOptions,
} from '../data-options.js';
import {DEVICE_HELP, DEVICE_OPTIONS, deviceOptions} from '../device-options.js';
import {refuseFlags} from '../flags.js';
import {inTiles, TILES_FLAGS, TILES_HELP, tilesOptions} from '../tiled-data.js';

export const evaluate: Command = {
  name: 'evaluate',
  summary: "Score weights or a results file: COCO's AP, pixels, objects, nuclei, number of objects",
  help: () => `Usage: maskrcnn evaluate DATA --weights WEIGHTS [OPTIONS]
       maskrcnn evaluate DATA --results FILE [OPTIONS]

${DATA_HELP}

  --weights NAME      a file saved by training, the folder of a run (its best.safetensors), or COCO_V1
  --results FILE      score the detections in this COCO results file instead, with COCO's AP; it can only be combined
                      with --json and the options of DATA
  --score-threshold N only detections above this score count for pixels, objects and the number of objects, 0..1
                      (default 0.5); AP counts all
  --views N           test-time augmentation: average over 1, 2 or 4 mirrored views of each image (default 1)
  --output DIR        folder for report.html, scores, images.csv with the scores of each image, curves, confusion
                      matrix, worst images and results.json (default runs/evaluate)
${DEVICE_HELP}
  --json              print the scores as JSON

Scores of tiles, as training measures them, each of which is an image of its own:

${TILES_HELP}

  maskrcnn evaluate GlaS --include 'testA_*' --classes gland --weights runs/train/best.safetensors
  maskrcnn evaluate instances_val2017.json --images val2017 --results results.json

${dataOptionsHelp()}`,
  options: {
    ...DATA_OPTIONS,
    ...TILES_FLAGS,
    weights: text,
    results: text,
    scoreThreshold: number({min: 0, max: 1}),
    views: viewsRule,
    output: text,
    ...DEVICE_OPTIONS,
    json: bool,
  },
  takes: ONE_DATA,
  async run(options, [path], context) {
    const {data: dataOptions, others} = partDataOptions(options);
    const {weights, results, json} = others;
    if ((weights === undefined) === (results === undefined)) {
      throw new MaskRcnnError('INVALID_OPTION', 'maskrcnn evaluate needs either --weights or --results.');
    }
    if (results !== undefined) {
      refuseFlags(others, ['output', 'views', 'scoreThreshold', ...Object.keys({...TILES_FLAGS, ...DEVICE_OPTIONS})], {
        where: 'maskrcnn evaluate --results',
        hint: 'The detections are made, and only their scores are printed: leave it out, or score --weights.',
      });
    }
    const spec = {path: path!, ...dataOptions};
    const group = results === undefined ? await joinGroup('auto', 'maskrcnn evaluate', context.signal) : undefined;
    if (group !== undefined && !group.isFirst) {
      // What rank 0 says is said for all.
      await group.during(() => scoreWeights(group, spec, others, {...context, progress: silentProgress}));
      return;
    }
    const score = () => scoreWeights(group, spec, others, context);
    const scores: Partial<Evaluation & {details: EvaluationDetails}> =
      results === undefined
        ? await (group === undefined ? score() : group.during(score))
        : await scoreResults({data: await openData(spec), results: results as string, signal: context.signal});
    if (json) {
      const {details, ...others} = scores;
      context.out(JSON.stringify({...(details && {scoreThreshold: details.scoreThreshold}), ...others}, null, 2));
    } else {
      context.out(`${describeClasses((scores.segm ?? scores.bbox)!)}\n\n${describeEvaluation(scores)}`);
    }
  },
};

async function scoreResults(options: Parameters<typeof evaluateResults>[0]) {
  const {bbox, segm} = await evaluateResults(options);
  return {bbox: bbox.scores, ...(segm && {segm: segm.scores})};
}

/** By this process alone, or as one of `group`, of which rank 0 writes. */
async function scoreWeights(
  group: ProcessGroup | undefined,
  spec: DataSpec,
  {
    weights,
    scoreThreshold = SCORE_THRESHOLD,
    views = 1,
    output = join('runs', 'evaluate'),
    ...others
  }: Record<string, unknown>,
  {progress, signal}: CommandContext,
) {
  const options = tilesOptions(others, 'maskrcnn evaluate');
  await Place.at(spec.path); // before anything is written or loaded
  const isFirst = group?.isFirst ?? true;
  if (isFirst) await requireWritableFolder(output as string);
  await using model = await maskRcnn({
    ...deviceOptions(others),
    weights: weights as string,
    signal,
    onNotice: (notice) => progress.say(notice),
  });
  // A folder of masks does not name its class: it is the model's if that has only one.
  // Images are read as in training, unless the options say otherwise.
  const all = await openImages({...model.pixels, ...spec}, model.classes.length === 1 ? model.classes[0] : undefined);
  const data = await inTiles(all, options, {name: 'data set', progress, signal});
  const evaluation = await evaluateModel(model, {
    data,
    scoreThreshold: scoreThreshold as number,
    views: views as Views,
    results: join(output as string, 'results.json'),
    distributed: 'auto',
    signal,
    onNotice: (notice) => progress.say(notice),
    onImage: (done) => progress.update({label: 'Scoring images', done, total: data.length, unit: 'count'}),
  });
  progress.close();
  if (!isFirst) return evaluation;
  await writeEvaluation(model, evaluation, {
    folder: output as string,
    data,
    scoreThreshold: scoreThreshold as number,
    views: views as Views,
    weights: weights as string,
  });
  progress.say(`Report, scores, curves, confusion matrix and the worst images are in ${output}.`);
  return evaluation;
}
