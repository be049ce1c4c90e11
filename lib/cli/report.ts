import {join} from 'node:path';
import {maskRcnn} from '../create-model.js';
import {MaskRcnnError} from '../errors.js';
import type {ModelOptions} from '../model-options.js';
import {MODEL_OPTIONS} from '../options.js';
import {integer, number, text} from '../options-check.js';
import {writeReport} from '../report/write-report.js';
import type {Command} from './command.js';
import {DATA_HELP, DATA_OPTIONS, openData, partDataOptions} from './data.js';
import {openValidation} from './train.js';

export const report: Command = {
  name: 'report',
  summary: 'Make one HTML file of a run: curves, scores, and a gallery of truth and prediction',
  help: `Usage: maskrcnn report RUN [OPTIONS]

Writes RUN/report.html, which opens without a server and without a network. The gallery shows what RUN/best.safetensors finds on
the validation images of \`maskrcnn train\`, or on --data; a run without either gets its last validation picture.

  --data DATA         the images of the gallery
  --weights FILE      the weights to look at (default RUN/best.safetensors)
  --worst N           images in the gallery, those with the lowest scores (default 24)
  --score-threshold N detections above this count for the order, 0..1 (default 0.5)
  --output FILE       default RUN/report.html
  --device NAME       auto, cpu, cuda or cuda:1 (default auto)
  --precision NAME    float32, bfloat16 or float16 (default float32)

${DATA_HELP}

  maskrcnn report runs/train
  maskrcnn report runs/glas --data GlaS --include 'testA_*' --classes gland`,
  options: {
    ...DATA_OPTIONS,
    data: text,
    weights: text,
    worst: integer({min: 1}),
    scoreThreshold: number({min: 0, max: 1}),
    output: text,
    device: MODEL_OPTIONS.device!,
    precision: MODEL_OPTIONS.precision!,
  },
  async run(options, positionals, context) {
    const [run, ...more] = positionals;
    if (run === undefined || more.length > 0) {
      throw new MaskRcnnError('INVALID_OPTION', `maskrcnn report takes one RUN, got ${positionals.length}.`);
    }
    const {out, progress, signal} = context;
    const {data: dataOptions, others} = partDataOptions(options);
    const {data: path, weights = join(run, 'best.safetensors'), device, precision, ...rest} = others;
    const data =
      path === undefined ? await openValidation(run) : await openData({path: path as string, ...dataOptions});
    if (data === undefined) {
      out(await writeReport(run, rest));
      return;
    }
    const where = {...(device !== undefined && {device}), ...(precision !== undefined && {precision})} as ModelOptions;
    await using model = await maskRcnn({...where, weights: weights as string, signal});
    const file = await writeReport(run, {
      ...rest,
      model,
      data,
      signal,
      onImage: (done) => progress.update({label: 'Scoring images', done, total: data.length, unit: 'count'}),
    });
    progress.close();
    out(file);
  },
};
