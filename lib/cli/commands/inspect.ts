import {MaskRcnnError} from '../../basics/errors.js';
import {bool} from '../../basics/schema.js';
import {count} from '../../basics/wording.js';
import {describeInspection, inspect as inspectData} from '../../datasets/inspect.js';
import {type Command, ONE_DATA} from '../command.js';
import {DATA_HELP, DATA_OPTIONS, dataOptionsHelp, openData} from '../data-options.js';

export const inspect: Command = {
  name: 'inspect',
  summary: 'Check a whole data set for faults that would stop training',
  help: () => `Usage: maskrcnn inspect DATA [OPTIONS]

Reads and counts all images and masks, and reports each fault with its file. Exits with code 1 if there are faults.

${DATA_HELP}

  --json              print the result as JSON

  maskrcnn inspect GlaS --include 'train_*' --classes gland
  maskrcnn inspect annotations/instances_val2017.json --images val2017

${dataOptionsHelp()}`,
  options: {...DATA_OPTIONS, json: bool},
  takes: ONE_DATA,
  async run({json, ...options}, [path], {out, progress, signal}) {
    const data = await openData({path: path!, ...options});
    const inspection = await inspectData(data, {
      signal,
      onImage: (done) => progress.update({label: 'Reading images', done, total: data.length, unit: 'count'}),
    });
    progress.close();
    out(json ? JSON.stringify(inspection, describeError, 2) : describeInspection(inspection));
    const {length} = inspection.faults;
    if (length === 0) return;
    throw new MaskRcnnError('INVALID_DATASET', `The data set has ${count(length, 'fault')}.`);
  },
};

function describeError(_: string, value: unknown): unknown {
  return value instanceof MaskRcnnError ? {code: value.code, message: value.message, file: value.file} : value;
}
