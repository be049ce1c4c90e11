import {existsSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {checkOptions} from '../basics/schema.js';
import {writeAtomically} from '../files/atomic-file.js';
import {readJsonObject} from '../files/json-object.js';
import type {ModelOptions} from '../model/options.js';
import {findRegistered} from '../weights/registry.js';
import {TRAIN_CONFIG, type TrainConfig} from './train-config.js';

/** Path of the file in which a run keeps the options of `maskrcnn train`. */
export function commandFile(run: string): string {
  return join(run, 'command.json');
}

/**
 * Saves `config` with absolute paths, because the run may be resumed or reported on from another folder. Throws
 * WRITE_FAILED.
 */
export async function writeCommandFile(run: string, config: TrainConfig): Promise<void> {
  const text = JSON.stringify(withWholePaths(config), null, 2);
  await writeAtomically(commandFile(run), (file) => file.writeFile(`${text}\n`));
}

/**
 * Reads the saved options. Returns none if another program made the run. Throws INVALID_DATASET if the file is damaged,
 * and INVALID_OPTION if an option in it is not valid.
 */
export async function readCommandFile(run: string): Promise<TrainConfig> {
  const file = commandFile(run);
  if (!existsSync(file)) return {};
  const config = await readJsonObject(file, 'Put back a copy of it, or remove it and give DATA and the options again.');
  checkOptions(config, TRAIN_CONFIG, file, {file});
  return config;
}

function withWholePaths(config: TrainConfig): TrainConfig {
  const {backbone = 'resnet50', version = 1, masks} = config as ModelOptions;
  const weightsPath = (kind: 'detector' | 'backbone') => (given: string) =>
    findRegistered(given, {kind, backbone, version, masks}) === undefined ? resolve(given) : given;
  const whole: Record<string, (given: string) => string> = {
    data: resolve,
    validation: resolve,
    images: resolve,
    output: resolve,
    weights: weightsPath('detector'),
    weightsBackbone: weightsPath('backbone'),
  };
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => {
      if (typeof value === 'string') return [name, whole[name]?.(value) ?? value];
      return [name, name === 'data' || name === 'validation' ? withWholeDataPaths(value) : value];
    }),
  );
}

/** Makes the paths of a `DataSpec` absolute. A validation fraction has no path. */
function withWholeDataPaths(spec: unknown): unknown {
  if (typeof spec !== 'object' || spec === null) return spec;
  const {path, images} = spec as {path: string; images?: string};
  return {...spec, path: resolve(path), ...(images !== undefined && {images: resolve(images)})};
}
