import {join} from 'node:path';
import {integer, number, text} from '../../basics/schema.js';
import {maskRcnn} from '../../model/create.js';
import {writeReport} from '../../report/write-report.js';
import type {Command} from '../command.js';
import {readCommandFile} from '../command-file.js';
import {DATA_HELP, DATA_OPTIONS, dataOptionsHelp, openData, partDataOptions} from '../data-options.js';
import {DEVICE_HELP, DEVICE_OPTIONS, deviceOptions} from '../device-options.js';
import {refuseFlags} from '../flags.js';
import {openTrainingData} from '../train-config.js';

export const report: Command = {
  name: 'report',
  summary: 'Write one HTML file about a run: curves, scores, and a gallery of truth and prediction',
  help: () => `Usage: maskrcnn report RUN [OPTIONS]

Writes RUN/report.html, which opens without a server or a network. Its gallery shows the predictions of
RUN/best.safetensors on the validation images of \`maskrcnn train\`, or on --data. Without either, it shows the last
validation picture of the run.

  --data DATA         the images of the gallery
  --weights FILE      the weights to predict with (default RUN/best.safetensors)
  --worst N           number of images in the gallery, those with the lowest scores (default 24)
  --score-threshold N only detections above this score count for the order of the images and the number of objects; the
                      slider starts there, 0..1 (default 0.5)
  --output FILE       file to write (default RUN/report.html)
${DEVICE_HELP}

${DATA_HELP}

  maskrcnn report runs/train
  maskrcnn report runs/glas --data GlaS --include 'testA_*' --classes gland

${dataOptionsHelp()}`,
  options: {
    ...DATA_OPTIONS,
    data: text,
    weights: text,
    worst: integer({min: 1}),
    scoreThreshold: number({min: 0, max: 1}),
    output: text,
    ...DEVICE_OPTIONS,
  },
  takes: {min: 1, max: 1, expected: 'one RUN'},
  async run(options, positionals, {out, progress, signal}) {
    const [run] = positionals as [string];
    const {data: dataOptions, others} = partDataOptions(options);
    const {data: path, weights = join(run, 'best.safetensors'), device, precision, ...rest} = others;
    if (path === undefined) {
      refuseFlags(dataOptions, Object.keys(DATA_OPTIONS), {
        where: 'maskrcnn report without --data',
        hint: 'The validation images of the run are read as it read them.',
      });
    }
    const data =
      path === undefined
        ? (await openTrainingData(await readCommandFile(run)))?.validation
        : await openData({path: path as string, ...dataOptions});
    if (data === undefined) {
      refuseFlags(others, ['weights', 'worst', 'scoreThreshold', ...Object.keys(DEVICE_OPTIONS)], {
        where: 'maskrcnn report of a run without validation images',
        hint: 'Name images with --data.',
      });
      out(await writeReport(run, rest));
      return;
    }
    await using model = await maskRcnn({
      ...deviceOptions(options),
      weights: weights as string,
      signal,
      onNotice: (notice) => progress.say(notice),
    });
    const file = await writeReport(run, {
      ...rest,
      model,
      data,
      weights: weights as string,
      signal,
      onImage: (done) => progress.update({label: 'Scoring images', done, total: data.length, unit: 'count'}),
    });
    progress.close();
    out(file);
  },
};
