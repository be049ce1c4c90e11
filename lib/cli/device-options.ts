import type {Schema} from '../basics/schema.js';
import {MODEL_OPTIONS} from '../model/check-options.js';
import type {ModelOptions} from '../model/options.js';

/** The options of commands that use a finished model. */
export const DEVICE_OPTIONS: Schema = {
  device: MODEL_OPTIONS.device!,
  precision: MODEL_OPTIONS.precision!,
  threads: MODEL_OPTIONS.threads!,
};

export const DEVICE_HELP = `\
  --device NAME       auto, cpu, cuda or cuda:1 (default auto)
  --precision NAME    float32, bfloat16 or float16 (default float32)
  --threads N         threads that compute on the CPU (default: the CPUs that the process may use)`;

/** Those of `options` that say where and how a model computes, for `maskRcnn()`. */
export function deviceOptions(options: Record<string, unknown>): ModelOptions {
  const given = Object.keys(DEVICE_OPTIONS).filter((name) => options[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, options[name]])) as ModelOptions;
}
