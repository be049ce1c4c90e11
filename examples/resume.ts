/**
 * Training that may be interrupted at any time: press Ctrl-C or cut the power, then start the same command again. On
 * the CPU, the final weights are bit for bit those of a run that was never interrupted.
 *
 *   npx tsx examples/resume.ts cells
 */
import {join} from 'node:path';
import {MaskFolder, type ModelOptions, maskRcnn, train} from 'maskrcnn';
import {misuse, readArguments, readCount, run} from './command-line.js';

const usage = `npx tsx examples/resume.ts DIR [options]

  --weights FILE|NAME the network to start from (default COCO_V1, downloaded once, 170 MB)
  --epochs N          default 20
  --stop-after N      interrupt after so many steps, as Ctrl-C does
  --device NAME       auto, cpu, cuda or cuda:1 (default auto)
  --output DIR        default runs/resume`;

await run(async () => {
  const {values, positionals} = readArguments(usage, {
    allowPositionals: true,
    options: {
      weights: {type: 'string', default: 'COCO_V1'},
      epochs: {type: 'string', default: '20'},
      'stop-after': {type: 'string'},
      device: {type: 'string', default: 'auto'},
      output: {type: 'string', default: join('runs', 'resume')},
    },
  });
  const [folder, ...rest] = positionals;
  if (folder === undefined || rest.length > 0) misuse(usage, `One folder is needed, got ${positionals.length}.`);
  const stopAfter =
    values['stop-after'] === undefined
      ? Number.POSITIVE_INFINITY
      : readCount(usage, 'stop-after', values['stop-after']);

  const data = await MaskFolder.open(folder, {classes: ['object']});
  await using model = await maskRcnn({
    weights: values.weights,
    classes: data.classes,
    device: values.device as NonNullable<ModelOptions['device']>,
  });

  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  let steps = 0;
  try {
    const {last} = await train(model, {
      data,
      epochs: readCount(usage, 'epochs', values.epochs),
      output: values.output,
      // Resumes if there is a saved state, and starts a new run otherwise.
      resume: 'auto',
      // The current step is finished and saved.
      signal: interrupt.signal,
      onStep: () => {
        if (++steps === stopAfter) interrupt.abort();
      },
    });
    console.log(`Done after ${steps} steps in this process: ${last}`);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    console.log(`Interrupted after ${steps} steps in this process, and saved. The same command goes on.`);
  }
});
