import {readFile, stat} from 'node:fs/promises';
import {join, resolve} from 'node:path';
import {OVERLAY_EXTENSIONS, OVERLAY_SUFFIX} from '../../files/prediction-names.js';

/** Overlays of other formats beside a new one. */
export type EarlierOverlays = {
  files: string[];
  /** Whether they are of an earlier prediction on the same image. If not, that is unknown. */
  areOurs: boolean;
};

/**
 * The overlays of `stem` in `folder` that do not have the `extension` of the new one. NAME.json, which the earlier
 * prediction wrote, says which image it was made of: call this before it is replaced.
 */
export async function earlierOverlays(
  folder: string,
  {stem, image, extension}: {stem: string; image: string; extension: string},
): Promise<EarlierOverlays> {
  const others = OVERLAY_EXTENSIONS.filter((other) => other !== extension);
  const paths = others.map((other) => join(folder, `${stem}${OVERLAY_SUFFIX}${other}`));
  const there = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
  const files = paths.filter((_, i) => there[i]?.isFile());
  if (files.length === 0) return {files, areOurs: false};
  const made = await imageOf(join(folder, `${stem}.json`));
  return {files, areOurs: made !== undefined && resolve(made) === resolve(image)};
}

/** The image that a file of objects was made of; undefined if it is no such file. */
async function imageOf(json: string): Promise<string | undefined> {
  try {
    const {file, objects} = JSON.parse(await readFile(json, 'utf8'));
    return typeof file === 'string' && Array.isArray(objects) ? file : undefined;
  } catch {
    return undefined;
  }
}
