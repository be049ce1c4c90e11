import {TiffFile} from '../../lib/image/tiff.js';
import {blockTags} from '../../lib/image/tiff-channels.js';

/** A copy of a TIFF that has nothing for these strips or tiles of its first page. */
export async function leaveOut(tiff: Uint8Array, indices: readonly number[]): Promise<Uint8Array> {
  const file = new TiffFile(Uint8Array.from(tiff));
  const [page] = await file.pages();
  for (const tag of blockTags(page!)) {
    const {at, bytes} = page!.entries.get(tag)!;
    for (const index of indices) file.bytes.fill(0, at + index * bytes, at + (index + 1) * bytes);
  }
  return file.bytes;
}
