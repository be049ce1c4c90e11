/**
 * Prints a Markdown table of the differences between this package's network and torchvision at every stage of the
 * parity fixtures:
 *
 *     npx tsx scripts/parity-table.ts [NETWORK...]
 */
import {CONFIGS, type Network} from '../test/parity/configs.js';
import {
  createModel,
  type Errors,
  measureDetections,
  measureStages,
  measureTraining,
  readFixture,
} from '../test/parity/measure.js';

const networks = (process.argv.length > 2 ? process.argv.slice(2) : Object.keys(CONFIGS)) as Network[];

/** Levels, images and parameters of a stage share a row: 'body.2' belongs to 'body'. */
const ROWS: [title: string, pattern: RegExp][] = [
  ['transform', /^transform/],
  ['body', /^body\./],
  ['FPN', /^fpn\./],
  ['RPN objectness', /^rpn\.objectness/],
  ['RPN box regression', /^rpn\.bbox_pred/],
  ['proposals', /^proposals/],
  ['box head', /^box_features/],
  ['class logits', /^class_logits/],
  ['box regression', /^box_regression/],
  ['mask logits', /^mask_logits/],
  ['detections: boxes', /^detections.*boxes/],
  ['detections: labels', /^detections.*labels/],
  ['detections: scores', /^detections.*scores/],
  ['detections: pasted masks', /^detections.*masks/],
  ['losses of the first step (5)', /^loss_/],
  ['gradient norms (10)', /^gradient/],
  ['losses of steps 2 to 10', /^losses of step/],
  ['running statistics after step 10', /running_/],
];

async function measure(network: Network): Promise<Errors> {
  const fixture = readFixture(network);
  const model = await createModel(network, fixture);
  try {
    return new Map([
      ...(await measureStages(model, fixture)),
      ...(await measureDetections(model, fixture)),
      ...(await measureTraining(model, fixture)),
    ]);
  } finally {
    model.dispose();
  }
}

function cell(errors: Errors, pattern: RegExp): string {
  const values = [...errors].flatMap(([name, error]) => (pattern.test(name) ? [error] : []));
  return values.length === 0 ? '' : Math.max(...values).toExponential(1);
}

const columns: Errors[] = [];
for (const network of networks) columns.push(await measure(network));
console.log(`| Largest relative error | ${networks.join(' | ')} |`);
console.log(`|---|${'---|'.repeat(networks.length)}`);
for (const [title, pattern] of ROWS) {
  console.log(`| ${title} | ${columns.map((errors) => cell(errors, pattern)).join(' | ')} |`);
}
