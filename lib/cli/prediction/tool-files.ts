import {basename, dirname, extname, join, relative} from 'node:path';
import {AnnotationFolder} from '../../export/annotation-folder.js';
import {LOSSES, type Loss} from '../../export/losses.js';
import {detectedImage} from '../../export/write-detections.js';
import type {Detections} from '../../model/detections.js';
import {type ToolFormat, toolFormat} from '../tool-formats.js';
import {type ImageFile, withSlashes} from './output-files.js';

/** Detections in the formats of annotation tools, each in a folder of its own within `folder`. */
export class ToolFiles {
  readonly #folder: string;
  readonly #tools = new Map<ToolFormat, AnnotationFolder>();
  /** The names of the images in them. */
  readonly #names = new Map<ToolFormat, Set<string>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What the formats cannot hold, by their names for people. */
  get losses(): {format: string; loss: Loss}[] {
    return [...this.#tools].flatMap(([key, tool]) => tool.losses.map((loss) => ({format: toolFormat(key).name, loss})));
  }

  async add(
    format: ToolFormat,
    {file, stem}: ImageFile,
    found: Detections,
    {classes, ...doubted}: {classes: readonly string[]; doubt?: number},
  ): Promise<void> {
    const root = join(this.#folder, format);
    const tool =
      this.#tools.get(format) ?? new AnnotationFolder(root, toolFormat(format), {classes, splits: [], scored: true});
    this.#tools.set(format, tool);
    // Files of one image need different names. One file for all images has the names that the images have.
    const own = withSlashes(join(dirname(stem), basename(file)));
    const given = withSlashes(`${stem}${extname(file)}`);
    const names = this.#names.get(format) ?? new Set();
    this.#names.set(format, names);
    const name = toolFormat(format).document === undefined || names.has(own) ? given : own;
    names.add(name);
    if (name !== own) tool.lose(own, LOSSES.renamed);
    await tool.add({...detectedImage(found, name, withSlashes(relative(root, file))), ...doubted});
  }

  /** Writes what is of several images. */
  async close(): Promise<void> {
    for (const tool of this.#tools.values()) await tool.close();
  }

  /** Removes files of several images that are not whole. */
  async abort(): Promise<void> {
    for (const tool of this.#tools.values()) await tool.abort();
  }
}
