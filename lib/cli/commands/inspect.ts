import {MaskRcnnError} from '../../basics/errors.js';
import {bool, integer, number} from '../../basics/schema.js';
import {count} from '../../basics/wording.js';
import {AnnotatedImages} from '../../datasets/annotated/annotated-images.js';
import type {Dataset} from '../../datasets/dataset.js';
import {type InspectOptions, inspect as inspectData} from '../../datasets/inspect.js';
import {describeInspection} from '../../datasets/inspection/describe-inspection.js';
import {describeSplits, inspectSplits} from '../../datasets/inspection/splits.js';
import {findDataset, requireImages} from '../../datasets/open-dataset.js';
import {MODEL_OPTIONS} from '../../model/check-options.js';
import type {Command} from '../command.js';
import {DATA_HELP, DATA_OPTIONS, type DataSpec, dataOptionsHelp, openImages, partDataOptions} from '../data-options.js';
import {refuseFlags} from '../flags.js';
import {inFlagSpelling} from '../option-spelling.js';
import {inTiles, TILES_FLAGS, TILES_HELP, tilesOptions} from '../tiled-data.js';

/** What decides the size of images in training. */
const SIZES = Object.fromEntries(
  ['minSize', 'maxSize', 'fixedSize', 'skipResize'].map((name) => [name, MODEL_OPTIONS[name]!]),
);

const OPTIONS = {
  ...DATA_OPTIONS,
  ...TILES_FLAGS,
  ...SIZES,
  seed: integer(),
  balanceThreshold: number({min: 0, max: 1}),
  json: bool,
};

export const inspect: Command = {
  name: 'inspect',
  summary: 'Check a whole data set for faults that would stop training',
  help: () => `Usage: maskrcnn inspect DATA [DATA ...] [OPTIONS]

Reads and counts all images and masks, and reports each fault with its file. Exits with code 1 if there are faults.
Of several DATA, or if DATA is split and no --split is chosen, it inspects each part, and finds images that are in
several of them, by their pixels.

${DATA_HELP}

  --min-size N        the model's minSize in training, to find objects that become too small (default 800)
  --max-size N        the model's maxSize (default 1333)
  --fixed-size W,H    the model's fixedSize, instead of these
  --skip-resize       if the model is trained with skipResize: objects do not become smaller
  --balance-threshold N
                      the balanceThreshold of training, to find how often --balance repeat-factor takes each class
                      (default 0.001)
  --json              print the result as JSON

The images in tiles, as training reads them:

${TILES_HELP}
  --seed N            seed of training, which picks the tiles of --empty-share (default 0)

  maskrcnn inspect GlaS --include 'train_*' --classes gland
  maskrcnn inspect annotations/instances_val2017.json --images val2017
  maskrcnn inspect roboflow
  maskrcnn inspect GlaS --include 'train_*' --classes gland --tiles 512

${dataOptionsHelp()}`,
  options: OPTIONS,
  takes: {min: 1, max: Number.POSITIVE_INFINITY, expected: 'at least one DATA'},
  async run({json, seed, minSize, balanceThreshold, maxSize, fixedSize, skipResize, ...given}, paths, context) {
    const {out, progress, signal} = context;
    const {data: spec, others} = partDataOptions(given);
    const cut = tilesOptions(others, 'maskrcnn inspect');
    if (others.emptyShare === undefined) {
      const hint = 'Only the tiles that --empty-share keeps depend on it. Add --empty-share, or leave it out.';
      refuseFlags({seed}, ['seed'], {where: 'maskrcnn inspect without --empty-share', hint});
    }
    const tiles = cut && {...cut, ...(seed !== undefined && {seed: seed as number})};
    const options = {
      ...(minSize !== undefined && {minSize: Math.min(...[minSize as number | number[]].flat())}),
      ...({maxSize, fixedSize, skipResize, balanceThreshold} as InspectOptions),
      signal,
    };
    const parts = await openParts(paths, spec);
    for (const data of Object.values(parts)) if (data instanceof AnnotatedImages) progress.say(`${data.summary}.`);
    for (const [name, data] of Object.entries(parts))
      parts[name] = await inTiles(data, tiles, {name, progress, signal});
    const [[name, only], second] = Object.entries(parts) as [[string, Dataset], unknown];
    const tell = (label: string, data: Dataset, done: number) =>
      progress.update({label, done, total: data.length, unit: 'count'});
    const found =
      second === undefined
        ? {
            splits: {
              [name]: await inspectData(only, {...options, onImage: (done) => tell('Reading images', only, done)}),
            },
          }
        : await inspectSplits(parts, {
            ...options,
            onImage: (split, done) => tell(`Reading the images of ${split}`, parts[split]!, done),
          });
    progress.close();
    const text = () => ('shared' in found ? describeSplits(found) : describeInspection(found.splits[name]!));
    out(
      json
        ? JSON.stringify('shared' in found ? found : found.splits[name], describeError, 2)
        : inFlagSpelling(text(), OPTIONS, 'maskrcnn inspect'),
    );
    const length = Object.values(found.splits).reduce((sum, {faults}) => sum + faults.length, 0);
    if (length === 0) return;
    throw new MaskRcnnError('INVALID_DATASET', `The data set has ${count(length, 'fault')}.`);
  },
};

/** The data sets at `paths` by path; of one path that is split, its splits by name, unless one is chosen. */
async function openParts(paths: readonly string[], spec: Record<string, unknown>): Promise<Record<string, Dataset>> {
  const [path, ...others] = paths as [string, ...string[]];
  if (others.length > 0) {
    const twice = paths.find((each, i) => paths.indexOf(each) !== i);
    if (twice !== undefined) {
      throw new MaskRcnnError('INVALID_OPTION', `maskrcnn inspect takes each DATA once, got ${twice} twice.`);
    }
    const opened: Record<string, Dataset> = {};
    for (const each of paths) opened[each] = await openImages({path: each, ...spec});
    return opened;
  }
  const {split, ...options} = spec as Omit<DataSpec, 'path'>;
  const {splits, open} = await findDataset(path, options);
  const chosen = split === undefined && splits.length > 1 ? splits : [split as string | undefined];
  const opened: [string, Dataset][] = [];
  for (const name of chosen) {
    const data = await open(name);
    await requireImages(data, path);
    opened.push([name ?? path, data]);
  }
  return Object.fromEntries(opened);
}

function describeError(_: string, value: unknown): unknown {
  return value instanceof MaskRcnnError ? {code: value.code, message: value.message, file: value.file} : value;
}
