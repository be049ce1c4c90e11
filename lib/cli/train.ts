import {existsSync} from 'node:fs';
import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {writeAtomically} from '../atomic-file.js';
import {maskRcnn} from '../create-model.js';
import {describeInspection, inspect} from '../datasets/inspect.js';
import {MaskFolder} from '../datasets/mask-folder.js';
import type {Dataset} from '../datasets/sample.js';
import {split} from '../datasets/split.js';
import {MaskRcnnError} from '../errors.js';
import type {ModelOptions} from '../model-options.js';
import {MODEL_OPTIONS} from '../options.js';
import {bool, either, number, type Rule, type Schema, text} from '../options-check.js';
import {writeReport} from '../report/write-report.js';
import {makeFreeFolder} from '../run/folder.js';
import {TRAIN_OPTIONS} from '../train/complete-options.js';
import type {TrainOptions} from '../train/options.js';
import {train as trainModel} from '../train.js';
import {type Command, type CommandContext, ONE_DATA} from './command.js';
import {readConfigFile} from './config-file.js';
import {DATA_HELP, DATA_OPTIONS, type DataSpec, openData, partDataOptions} from './data.js';
import {flagName} from './flags.js';

/** A path, which no number is, or what `DataSpec` says. */
const dataRule: Rule = {
  expected: "a path, or an object with 'path' and options of the data set",
  accepts: (value) =>
    typeof value === 'string'
      ? value !== '' && Number.isNaN(Number(value))
      : typeof value === 'object' && value !== null && typeof (value as DataSpec).path === 'string',
};

const {onNotice, signal: _, ...modelOptions} = MODEL_OPTIONS;
const {data, validation, onStep, onEpoch, signal, log, ...trainOptions} = TRAIN_OPTIONS;

/** What a configuration file may hold. */
const CONFIG: Schema = {
  ...modelOptions,
  ...trainOptions,
  ...DATA_OPTIONS,
  data: dataRule,
  validation: either(number({min: 0, below: 1}), dataRule),
  inspect: bool,
};

const DEFAULT_VALIDATION = 0.2;

const list = (schema: Schema) =>
  Object.entries(schema)
    .map(([name, {expected}]) => `  --${flagName(name)}: ${expected}`)
    .join('\n');

export const train: Command = {
  name: 'train',
  summary: 'Fine-tune on a data set; the run folder gets weights, curves, pictures and a report',
  help: `Usage: maskrcnn train DATA [OPTIONS]
       maskrcnn train --config FILE [OPTIONS]
       maskrcnn train --resume --output RUN

${DATA_HELP}

  --validation 0.2    the part of DATA that is kept for validation (default ${DEFAULT_VALIDATION}; 0: none), or a data set of
                      its own: a path, or '{path: DIR, include: "val_*"}'
  --weights NAME      start from a whole network: COCO_V1, or a .safetensors or .pth file
  --weights-backbone NAME
                      start from a backbone: IMAGENET1K_V1, or a file
  --output RUN        the run's folder (default the first free of runs/train, runs/train-2, ...)
  --resume            go on with the run in --output, with its options
  --config FILE       options from a JSON or YAML file, by their names in camelCase; what is said here goes first
  --no-inspect        do not read the whole data set before the first step

Ctrl-C ends the run after the step under way and saves it; a second one stops at once.

  maskrcnn train GlaS --include 'train_*' --classes gland --weights COCO_V1 --epochs 20 --augment histology
  maskrcnn train instances_train.json --images train --validation instances_val.json --weights COCO_V1
  maskrcnn train cells --weights-backbone IMAGENET1K_V1 --backbone resnet18 --optimizer '{type: adamw, weightDecay: 0.05}'

Every option of train() and of maskRcnn():

${list(trainOptions)}

${list(modelOptions)}`,
  options: {...CONFIG, config: text},
  // --config and --resume can name it, too.
  takes: {...ONE_DATA, min: 0},
  async run({config, ...flags}, [path], context) {
    const file = config === undefined ? {} : await readConfigFile(config as string, CONFIG);
    const said = {...file, ...flags, ...(path !== undefined && {data: path})};
    await runTraining({...(await saidBefore(said)), ...said}, context);
  },
};

async function runTraining(said: Record<string, unknown>, {out, progress, signal}: CommandContext): Promise<void> {
  const {data: dataOptions, others} = partDataOptions(said);
  const {data: spec, validation: validationSpec = DEFAULT_VALIDATION, inspect: inspects = true, ...rest} = others;
  if (spec === undefined) {
    throw new MaskRcnnError('INVALID_OPTION', 'maskrcnn train needs DATA, got none.', {
      hint: 'See `maskrcnn train --help`.',
    });
  }
  const {training, validation} = await openParts(spec, validationSpec, dataOptions, rest.seed as number | undefined);
  if (inspects && !rest.resume) {
    await check({training, ...(validation && {validation})}, rest.unreadable === 'skip', {out, progress, signal});
  }

  const of = (schema: Schema) =>
    Object.fromEntries(Object.entries(rest).filter(([name]) => Object.hasOwn(schema, name)));
  await using model = await maskRcnn({
    ...(of(modelOptions) as ModelOptions),
    classes: training.classes,
    signal,
    onNotice: (notice) => progress.say(notice),
  });
  const output = (rest.output as string | undefined) ?? (await makeFreeFolder(join('runs', 'train')));
  await mkdir(output, {recursive: true});
  const command = `${JSON.stringify({...said, output}, null, 2)}\n`;
  await writeAtomically(commandFile(output), (file) => file.writeFile(command));
  try {
    const {best, last, ending} = await trainModel(model, {
      ...(of(trainOptions) as Partial<TrainOptions>),
      data: training,
      ...(validation && {validation}),
      output,
      signal,
    });
    const report = await writeReport(output, validation && {model, data: validation, signal});
    out(
      `${ending === 'epochs' ? 'Done' : `Ended by ${ending}`}. Best weights: ${best}; last: ${last}\nReport: ${report}`,
    );
  } catch (error) {
    if (signal.aborted) progress.say(`Saved. \`maskrcnn train --resume --output ${output}\` goes on.`);
    throw error;
  }
}

/** Where a run keeps what was said to `maskrcnn train`. */
function commandFile(run: string): string {
  return join(run, 'command.json');
}

/** What the run that is resumed was started with. */
async function saidBefore({resume, output}: Record<string, unknown>): Promise<Record<string, unknown>> {
  return resume && typeof output === 'string' ? readCommand(output) : {};
}

async function readCommand(run: string): Promise<Record<string, unknown>> {
  const file = commandFile(run);
  return existsSync(file) ? readConfigFile(file, CONFIG) : {};
}

/** The validation images of a run that `maskrcnn train` has made; undefined where it had none, or another program made it. */
export async function openValidation(run: string): Promise<Dataset | undefined> {
  const {data: options, others} = partDataOptions(await readCommand(run));
  const {data: spec, validation = DEFAULT_VALIDATION, seed} = others;
  if (spec === undefined) return undefined;
  return (await openParts(spec, validation, options, seed as number | undefined)).validation;
}

type Parts = {training: Dataset; validation?: Dataset};

/** The data sets that `maskrcnn train` names: `options` are those of both unless one has its own. */
async function openParts(
  data: unknown,
  validation: unknown,
  options: Record<string, unknown>,
  seed = 0,
): Promise<Parts> {
  const specOf = (given: unknown): DataSpec =>
    typeof given === 'string' ? {path: given, ...options} : {...options, ...(given as DataSpec)};
  const all = await openData(specOf(data));
  if (validation === 0) return {training: all};
  if (typeof validation === 'number') {
    // Of a patient nothing is on both sides.
    if (all instanceof MaskFolder) return all.split(validation, {seed, groupBy: ({patient}) => patient});
    return split(all, validation, {seed});
  }
  return {training: all, validation: await openData(specOf(validation))};
}

/** Faults end the command before the first step, all of them named, unless training skips what it cannot read. */
async function check(parts: Parts, skips: boolean, {out, progress, signal}: CommandContext): Promise<void> {
  for (const [name, data] of Object.entries(parts)) {
    const label = `Checking the ${name} images`;
    const onImage = (done: number) => progress.update({label, done, total: data.length, unit: 'count'});
    const inspection = await inspect(data, {signal, onImage});
    progress.close();
    out(`${name}: ${describeInspection(inspection)}\n`);
    if (inspection.faults.length > 0 && !skips) throw inspection.faults[0]!;
  }
}
