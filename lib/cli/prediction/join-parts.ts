import type {Progress} from '../../basics/progress.js';
import type {ImageRecord} from './image-record.js';
import type {ImageFile} from './output-files.js';
import type {FailedImage, PartJournal} from './part-journal.js';
import {PredictionWriter} from './prediction-writer.js';

/** What was joined. */
export type Joined = {
  writer: PredictionWriter;
  failed: FailedImage[];
  /** The number of images whose label masks lack objects. */
  incomplete: number;
};

/**
 * Writes to `folder` what one run would have written that has all images of `parts`, which are all there and finished.
 * Files of single images are moved. Throws as `PredictionWriter.plan()` does; WRITE_FAILED; the signal's reason.
 */
export async function joinParts(
  folder: string,
  parts: readonly PartJournal[],
  {overwrite, progress, signal}: {overwrite: boolean; progress: Progress; signal: AbortSignal},
): Promise<Joined> {
  const {output, classes, images: total} = parts[0]!.head;
  const images: ImageFile[] = [];
  for await (const {image} of inOrder(parts)) if (!('failed' in image)) images.push(image);
  const writer = await PredictionWriter.planned({...output, folder, overwrite}, images);
  const joined: Joined = {writer, failed: [], incomplete: 0};
  try {
    for await (const {image, part, index} of inOrder(parts)) {
      signal.throwIfAborted();
      progress.update({label: 'Joining', done: index, total, unit: 'count'});
      if ('failed' in image) {
        joined.failed.push(image);
        continue;
      }
      await writer.addMoved(image, part.folder, classes);
      if (image.missing.length > 0) joined.incomplete++;
    }
    await writer.close(classes);
  } catch (error) {
    await writer.abort();
    throw error;
  } finally {
    progress.close();
  }
  return joined;
}

type Member = {image: ImageRecord | FailedImage; part: PartJournal; index: number};

/** All images in the order in which one run would have read them. */
async function* inOrder(parts: readonly PartJournal[]): AsyncGenerator<Member> {
  for (let index = 0; index < parts[0]!.head.images; index++) {
    const part = parts[index % parts.length]!;
    yield {image: (await part.read(index))!, part, index};
  }
}
