import type {Schema} from '../basics/schema.js';
import {MODEL_OPTIONS} from '../model/check-options.js';
import type {ModelOptions} from '../model/options.js';

/** On what, and in which arithmetic, a command computes that uses a model as it is. */
export const DEVICE_OPTIONS: Schema = {device: MODEL_OPTIONS.device!, precision: MODEL_OPTIONS.precision!};

export const DEVICE_HELP = `\
  --device NAME       auto, cpu, cuda or cuda:1 (default auto)
  --precision NAME    float32, bfloat16 or float16 (default float32)`;

/** Those of `options` that `maskRcnn()` takes for it. */
export function deviceOptions({device, precision}: Record<string, unknown>): ModelOptions {
  return {...(device !== undefined && {device}), ...(precision !== undefined && {precision})} as ModelOptions;
}
