import {stat} from 'node:fs/promises';
import {basename, dirname, extname} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {maskRcnn} from '../model/create.js';
import type {MaskRcnn} from '../model/model.js';
import {BEST_WEIGHTS, LAST_WEIGHTS, weightsAt} from '../weights/run-weights.js';
import type {ServeOptions} from './options.js';
import {Problem} from './problem.js';

/** A network that a server answers with. */
export type ServedModel = {
  name: string;
  model: MaskRcnn;
  /** The date of its weights, which tells one training from the next. */
  version: string;
};

/** The networks of a server, by name. The first is the default. */
export type ServedModels = ReadonlyMap<string, ServedModel>;

/**
 * Opens the networks to serve. `weights` are files, folders of runs or names of registered weights, each perhaps with a
 * name of its own: `cells=runs/cells`. Without one, it is called as its file or the folder of its run. Throws
 * INVALID_OPTION for two of one name, and errors of `maskRcnn()`.
 */
export async function openModels(
  weights: readonly string[],
  {device, precision, threads, signal, onNotice}: ServeOptions,
): Promise<ServedModels> {
  const models = new Map<string, ServedModel>();
  try {
    for (const given of weights) {
      const {name, path} = nameOf(given);
      if (models.has(name)) {
        throw new MaskRcnnError('INVALID_OPTION', `serve() has two networks with the name '${name}'.`, {
          hint: `Name them yourself: other=${path}.`,
        });
      }
      const {file, note} = await weightsAt(path);
      if (note !== undefined) onNotice?.(note);
      const model = await maskRcnn({
        weights: file,
        ...(device !== undefined && {device}),
        ...(precision !== undefined && {precision}),
        ...(threads !== undefined && {threads}),
        ...(signal !== undefined && {signal}),
        ...(onNotice !== undefined && {onNotice}),
      });
      models.set(name, {name, model, version: await versionOf(file)});
    }
    return models;
  } catch (error) {
    for (const {model} of models.values()) model.dispose();
    throw error;
  }
}

/** The network of a name, or the first. Throws UNKNOWN_MODEL. */
export function chooseModel(models: ServedModels, name: string | undefined): ServedModel {
  const [first] = models.values();
  const model = name === undefined ? first : models.get(name);
  if (model !== undefined) return model;
  throw new Problem(404, 'UNKNOWN_MODEL', `There is no model '${name}'.`, {
    hint: `There is ${[...models.keys()].join(', ')}.`,
  });
}

/** 'cells=runs/a' has a name; 'runs/cells/best.safetensors' is called as its run, 'cells.pth' as its file. */
function nameOf(given: string): {name: string; path: string} {
  const [, named, path] = /^([\w.-]+)=(.+)$/s.exec(given) ?? [];
  if (named !== undefined && path !== undefined) return {name: named, path};
  const file = basename(given);
  const isOfRun = file === BEST_WEIGHTS || file === LAST_WEIGHTS;
  const name = isOfRun && basename(dirname(given)) !== '.' ? basename(dirname(given)) : basename(file, extname(file));
  return {name: name || 'model', path: given};
}

/** Registered weights have one version, and files the date of their last change. */
async function versionOf(file: string): Promise<string> {
  const changed = (await stat(file).catch(() => undefined))?.mtime;
  return changed === undefined ? 'registered' : `${changed.toISOString().slice(0, 19)}Z`;
}
