import {MaskRcnnError} from '../../basics/errors.js';
import {bool} from '../../basics/schema.js';
import {count} from '../../basics/wording.js';
import {AnnotatedImages} from '../../datasets/annotated/annotated-images.js';
import {describeInspection, type InspectOptions, inspect as inspectData} from '../../datasets/inspect.js';
import {MODEL_OPTIONS} from '../../model/check-options.js';
import {type Command, ONE_DATA} from '../command.js';
import {DATA_HELP, DATA_OPTIONS, dataOptionsHelp, openImages} from '../data-options.js';
import {inFlagSpelling} from '../option-spelling.js';

/** What decides the size of images in training. */
const SIZES = Object.fromEntries(
  ['minSize', 'maxSize', 'fixedSize', 'skipResize'].map((name) => [name, MODEL_OPTIONS[name]!]),
);

const OPTIONS = {...DATA_OPTIONS, ...SIZES, json: bool};

export const inspect: Command = {
  name: 'inspect',
  summary: 'Check a whole data set for faults that would stop training',
  help: () => `Usage: maskrcnn inspect DATA [OPTIONS]

Reads and counts all images and masks, and reports each fault with its file. Exits with code 1 if there are faults.

${DATA_HELP}

  --min-size N        the model's minSize in training, to find objects that become too small (default 800)
  --max-size N        the model's maxSize (default 1333)
  --fixed-size W,H    the model's fixedSize, instead of these
  --skip-resize       if the model is trained with skipResize: objects do not become smaller
  --json              print the result as JSON

  maskrcnn inspect GlaS --include 'train_*' --classes gland
  maskrcnn inspect annotations/instances_val2017.json --images val2017

${dataOptionsHelp()}`,
  options: OPTIONS,
  takes: ONE_DATA,
  async run({json, minSize, maxSize, fixedSize, skipResize, ...options}, [path], {out, progress, signal}) {
    const data = await openImages({path: path!, ...options});
    if (data instanceof AnnotatedImages) progress.say(`${data.summary}.`);
    const inspection = await inspectData(data, {
      ...(minSize !== undefined && {minSize: Math.min(...[minSize as number | number[]].flat())}),
      ...({maxSize, fixedSize, skipResize} as InspectOptions),
      signal,
      onImage: (done) => progress.update({label: 'Reading images', done, total: data.length, unit: 'count'}),
    });
    progress.close();
    out(
      json
        ? JSON.stringify(inspection, describeError, 2)
        : inFlagSpelling(describeInspection(inspection), OPTIONS, 'maskrcnn inspect'),
    );
    const {length} = inspection.faults;
    if (length === 0) return;
    throw new MaskRcnnError('INVALID_DATASET', `The data set has ${count(length, 'fault')}.`);
  },
};

function describeError(_: string, value: unknown): unknown {
  return value instanceof MaskRcnnError ? {code: value.code, message: value.message, file: value.file} : value;
}
