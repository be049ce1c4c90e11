import {existsSync} from 'node:fs';
import {stat} from 'node:fs/promises';
import {join} from 'node:path';
import {AUGMENT_NAMES} from '../../augment/presets.js';
import {MaskRcnnError} from '../../basics/errors.js';
import {silentProgress} from '../../basics/progress.js';
import {integer, type Schema, text} from '../../basics/schema.js';
import {AnnotatedImages} from '../../datasets/annotated/annotated-images.js';
import {inspectImages} from '../../datasets/inspect.js';
import {describeInspection} from '../../datasets/inspection/describe-inspection.js';
import type {DigestedImage} from '../../datasets/inspection/same-images.js';
import {describeSharedPixels, sharedPixels} from '../../datasets/inspection/splits.js';
import {localProcesses, runLocally} from '../../distributed/local-workers.js';
import {joinGroup, type ProcessGroup} from '../../distributed/process-group.js';
import {requireWritableFolder} from '../../files/writing.js';
import {maskRcnn} from '../../model/create.js';
import type {MaskRcnn} from '../../model/model.js';
import type {ModelOptions} from '../../model/options.js';
import {writeReport} from '../../report/write-report.js';
import {RunFolder} from '../../run/run-folder.js';
import type {TrainOptions} from '../../train/options.js';
import {trainWith} from '../../train/train.js';
import {AlreadyTold, type Command, type CommandContext, isInterruption, ONE_DATA} from '../command.js';
import {commandFile, readCommandFile, writeCommandFile} from '../command-file.js';
import {readConfigFile} from '../config-file.js';
import {DATA_HELP, dataOptionsHelp} from '../data-options.js';
import {deviceOptions} from '../device-options.js';
import {docComments, optionHelp} from '../option-help.js';
import {inFlagSpelling} from '../option-spelling.js';
import {TILES_HELP} from '../tiled-data.js';
import {
  DEFAULT_VALIDATION,
  modelOptions,
  openTrainingData,
  TRAIN_CONFIG,
  type TrainConfig,
  type TrainingData,
  trainOptions,
} from '../train-config.js';

/** Messages of the library as those of this command. */
const wording = (text: string) => inFlagSpelling(text, TRAIN_CONFIG, 'maskrcnn train');

/** The default folder of the first run. Later runs get a number. */
const FREE_RUN = join('runs', 'train');

/** Options that the help explains itself, not from their doc comments. */
const EXPLAINED: readonly string[] = ['augment', 'seed', 'log'];

const without = (schema: Schema, names: readonly string[]): Schema =>
  Object.fromEntries(Object.entries(schema).filter(([name]) => !names.includes(name)));

/** Names in doc comments that the help shows as flags. DATA is not a flag. */
const known = without(TRAIN_CONFIG, ['data']);

export const train: Command = {
  name: 'train',
  summary: 'Fine-tune on a data set; writes weights, curves, pictures and a report to the run folder',
  help: () => `Usage: maskrcnn train DATA [OPTIONS]
       maskrcnn train --config FILE [OPTIONS]
       maskrcnn train --resume --output RUN

${DATA_HELP}

  --validation 0.2    fraction of DATA to keep for validation (default ${DEFAULT_VALIDATION}; 0: none), or another data set: a path, or
                      '{path: DIR, include: "val_*"}'; options of DATA apply to it too, unless it sets its own
  --fold 2/5          cross-validation: divide DATA into 5 parts by the seed, validate on part 2, train on the others;
                      the images of a patient stay together; of DATA with a training and a validation split, the parts
                      are of both together, and a test split stays out (--split chooses one)
  --stratify          give each fold, or the validation fraction, its share of the images of every class
  --augment NAME      augmentation of the training images (default hflip):
                      ${AUGMENT_NAMES.join(', ')}
  --seed N            seed of the validation split or the folds, the image order, the augmentation, the samplers and the
                      initial weights, and of --empty-share (default 0)
  --config FILE       read options from a JSON or YAML file, by their camelCase names; the command line overrides it
  --processes N       train with N processes on this machine, which share its CPUs and compute each batch together: see
                      docs/distributed.md (default 1)
  --no-inspect        do not check the whole data set before the first step
  --log silent        show no progress, only results and errors

Images in tiles. The validation set keeps all tiles without objects:

${TILES_HELP}

Press Ctrl-C to end the run after the current step and save it. Press it again to stop at once. SIGTERM and SIGHUP do
the same.

  maskrcnn train GlaS --include 'train_*' --classes gland --weights COCO_V1 --epochs 20 --augment histology
  maskrcnn train instances_train.json --images train --validation '{path: instances_val.json, images: val}' --weights COCO_V1
  maskrcnn train cells --weights-backbone IMAGENET1K_V1 --backbone resnet18 --optimizer '{type: adamw, weightDecay: 0.05}'
  maskrcnn train GlaS --include 'train_*' --classes gland --tiles 512 --overlap 128 --weights COCO_V1
  maskrcnn train --resume --output runs/train

Training options, as in train(). Write an object as {name: value}.

${optionHelp(without(trainOptions, EXPLAINED), docComments('train/options', 'TrainOptions'), known)}

Network options, as in maskRcnn():

${optionHelp(without(modelOptions, EXPLAINED), docComments('model/options', 'ModelOptions'), known)}

${dataOptionsHelp()}`,
  options: {...TRAIN_CONFIG, config: text, processes: integer({min: 1})},
  // DATA may also come from --config or --resume.
  takes: {...ONE_DATA, min: 0},
  async run({config, processes, ...flags}, [path], context) {
    const wanted = localProcesses(processes as number | undefined);
    if (wanted > 1) {
      const {signal, progress} = context;
      const {code} = await runLocally(wanted, {signal, say: (text) => progress.say(text)});
      if (code !== 0) throw new AlreadyTold(code);
      return;
    }
    const file = config === undefined ? {} : await readConfigFile(config as string, TRAIN_CONFIG);
    const said = {...file, ...flags, ...(path !== undefined && {data: path})};
    const group = await joinGroup(
      ((said as TrainConfig).distributed as TrainOptions['distributed']) ?? 'auto',
      'maskrcnn train',
      context.signal,
    );
    const whole = async () => ({...(await saidBefore(said)), ...said});
    if (group === undefined) return runTraining(group, await whole(), context);
    // What rank 0 says is said for all.
    const own = group.isFirst ? context : {...context, out: () => {}, progress: silentProgress};
    await group.during(async () => runTraining(group, await group.fromFirst(whole), own));
  },
};

/** Trains by this process alone, or as one of `group`. */
async function runTraining(
  group: ProcessGroup | undefined,
  config: TrainConfig,
  context: CommandContext,
): Promise<void> {
  const isFirst = group?.isFirst ?? true;
  const {out, signal} = context;
  const progress = config.log === 'silent' ? silentProgress : context.progress;
  const data = await openTrainingData(config, {progress, signal});
  if (data === undefined) {
    throw new MaskRcnnError('INVALID_OPTION', 'maskrcnn train needs DATA, got none.', {
      hint: 'See `maskrcnn train --help`.',
    });
  }
  const {training, validation} = data;
  if (training instanceof AnnotatedImages) progress.say(`${training.summary}.`);
  const given = config.output as string | undefined;
  if (isFirst) await requireWritableFolder(given ?? FREE_RUN);
  const {inspect: inspects = true, resume, unreadable} = config;
  const of = (schema: Schema) =>
    Object.fromEntries(Object.entries(config).filter(([name]) => Object.hasOwn(schema, name)));
  const networkOptions = of(modelOptions) as ModelOptions;
  if (training.masks === 'none' && networkOptions.masks === undefined) {
    networkOptions.masks = 'none';
    progress.say('No object has a mask, so the network predicts boxes alone (--masks none, which is Faster R-CNN).');
  }
  await using model = await maskRcnn({
    ...networkOptions,
    classes: training.classes,
    signal,
    onNotice: (notice) => progress.say(wording(notice)),
  });
  // After the model: weights that cannot be had are told at once, and the model has the sizes of the images.
  const areFilesTold = Boolean(inspects && !resume);
  if (areFilesTold && isFirst) await check(data, {skips: unreadable === 'skip', model}, {out, progress, signal});
  // That may take longer than one process may keep the others waiting in training.
  await group?.pass('checked');
  let opened: {output: string; savedBefore: bigint | undefined} | undefined;
  const onFolder = async (output: string) => {
    // A later --resume must not allow other changes because this one did.
    const {allowChanges: _, ...kept} = config;
    await writeCommandFile(output, {...kept, output});
    opened = {output, savedBefore: await timeOfState(output)};
  };
  /** Adds a gallery of the best weights' predictions, as `maskrcnn report` does. */
  const reportOn = async (output: string, weights: string) => {
    if (validation === undefined) return await writeReport(output);
    model.dispose();
    await using trained = await maskRcnn({...deviceOptions(config), weights, signal});
    return await writeReport(output, {model: trained, data: validation, weights, signal});
  };
  try {
    const {output, best, last, ending} = await trainWith(
      model,
      {
        distributed: 'auto',
        ...(of(trainOptions) as Partial<TrainOptions>),
        data: training,
        ...(validation && {validation}),
        signal,
      },
      {onFolder, areFilesTold, wording},
    );
    if (!isFirst) return;
    const report = await reportOn(output, best);
    out(
      `${ending === 'epochs' ? 'Done' : `Ended by ${ending}`}. Best weights: ${best}; last: ${last}\nReport: ${report}`,
    );
  } catch (error) {
    if (opened !== undefined && isInterruption(error, signal)) {
      const {output, savedBefore} = opened;
      if ((await timeOfState(output)) !== savedBefore) {
        context.progress.say(`Saved. \`maskrcnn train --resume --output ${output}\` goes on.`);
      }
    }
    throw error;
  }
}

/** When the state to resume from was last saved. */
async function timeOfState(run: string): Promise<bigint | undefined> {
  const state = await stat(RunFolder.statePath(run), {bigint: true}).catch(() => undefined);
  return state?.mtimeNs;
}

/** The options with which the resumed run was started. Throws INVALID_OPTION if there is no run to resume. */
async function saidBefore({resume, output, data}: TrainConfig): Promise<TrainConfig> {
  if (!resume) return {};
  if (typeof output !== 'string') {
    throw new MaskRcnnError('INVALID_OPTION', "maskrcnn train --resume needs --output, the run's folder, got none.");
  }
  const wanted = [...(data === undefined ? [commandFile(output)] : []), RunFolder.statePath(output)];
  const missing = resume === 'auto' ? undefined : wanted.find((file) => !existsSync(file));
  if (missing !== undefined) {
    throw new MaskRcnnError('INVALID_OPTION', `maskrcnn train --resume needs ${missing}, and it is not there.`, {
      file: missing,
      hint: 'Give --output the folder of a run that has saved its state; --resume auto begins one where there is none.',
    });
  }
  return readCommandFile(output);
}

/**
 * Reports all faults, and images that are in both sets. Ends the command before the first step if there are faults,
 * unless training skips unreadable files.
 */
async function check(
  parts: TrainingData,
  {skips, model}: {skips: boolean; model: MaskRcnn},
  {out, progress, signal}: CommandContext,
): Promise<void> {
  const {minSize, maxSize, fixedSize, skipResize} = model.options;
  const seen: (DigestedImage & {split: string})[] = [];
  for (const [name, data] of Object.entries(parts)) {
    const label = `Checking the ${name} images`;
    const onImage = (done: number) => progress.update({label, done, total: data.length, unit: 'count'});
    // Without training, the network resizes every image.
    const size = {minSize: Math.min(...minSize), maxSize, fixedSize, skipResize: skipResize && name === 'training'};
    const {inspection, images} = await inspectImages(data, {...size, signal, onImage});
    progress.close();
    out(`${name}: ${wording(describeInspection(inspection))}\n`);
    if (inspection.faults.length > 0 && !skips) throw inspection.faults[0]!;
    for (const {file, digest} of images) seen.push({file, digest, split: name});
  }
  const shared = describeSharedPixels(sharedPixels(seen));
  if (shared.length > 0) out(`${shared.map((warning) => `Warning: ${warning}`).join('\n')}\n`);
}
