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

/** The device and precision in `options`, for `maskRcnn()`. */
export function deviceOptions({device, precision}: Record<string, unknown>): ModelOptions {
  return {...(device !== undefined && {device}), ...(precision !== undefined && {precision})} as ModelOptions;
}
