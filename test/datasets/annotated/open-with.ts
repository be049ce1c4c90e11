import {AnnotatedImages} from '../../../lib/datasets/annotated/annotated-images.js';
import type {AnnotatedOptions} from '../../../lib/datasets/annotated/annotated-options.js';
import type {Format, ReaderOptions} from '../../../lib/datasets/annotated/format.js';
import {Place} from '../../../lib/datasets/annotated/place.js';

/** Opens a data set with the reader of one format, whatever other readers say. */
export async function openWith(
  format: Format,
  path: string,
  options: AnnotatedOptions = {},
  {split, ...readerOptions}: ReaderOptions & {split?: string} = {},
): Promise<AnnotatedImages> {
  const found = await format.recognise(await Place.at(path));
  if (found === undefined) throw new Error(`${path} is not recognised as ${format.name}`);
  const annotations = await found.read(readerOptions, split);
  return AnnotatedImages.of(annotations, {format: format.name, path, options});
}
