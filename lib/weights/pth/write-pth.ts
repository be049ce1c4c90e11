import {parse} from 'node:path';
import {MaskRcnnError} from '../../basics/errors.js';
import {writeAll, writeAtomically} from '../../files/atomic-file.js';
import {ZipWriter} from '../../files/zip-writer.js';
import {encodeMetadata, type WeightsMetadata} from '../metadata.js';
import {requireWholeTensors, type StateDict, toStateDict} from '../state-dict.js';
import {type PlainValue, pickleCheckpoint} from './pickle-writer.js';
import {metadataRecord} from './read-pth.js';

/**
 * Larger archives would need zip64 records, which a Mask R-CNN never does. The limit leaves some space for the
 * directory.
 */
const longestArchive = 0xf0000000;
const mostEntries = 65_000;

/**
 * Writes a `.pth` file atomically, in the zip container of torch.save. A state dict becomes an OrderedDict of tensors,
 * which `torch.load(path, weights_only=True)` returns and `load_state_dict` accepts. Plain data that contains state
 * dicts (`{model: dict, epoch: 3}`) becomes a dict. `metadata` is stored in a separate record, which torch.load
 * ignores. Throws INVALID_OPTION, WRITE_FAILED.
 */
export async function writePth(
  path: string,
  contents: StateDict | PlainValue,
  metadata: WeightsMetadata = {},
): Promise<void> {
  const {pickle, storages} = pickleCheckpoint(contents);
  requireWholeTensors(toStateDict(storages));
  const bytes = storages.reduce((sum, {data}) => sum + data.length, pickle.length);
  if (bytes > longestArchive || storages.length > mostEntries) {
    throw new MaskRcnnError('INVALID_OPTION', `${path} would have ${bytes} bytes, expected less than 4 GiB.`, {
      hint: 'Write it as .safetensors.',
      file: path,
    });
  }
  const texts = encodeMetadata(metadata);
  // torch.save names the folder in the archive after the file.
  const root = parse(path).name || 'archive';
  await writeAtomically(path, async (file) => {
    const zip = new ZipWriter((bytes) => writeAll(file, bytes));
    await zip.add(`${root}/data.pkl`, pickle);
    await zip.add(`${root}/byteorder`, Buffer.from('little'));
    for (const [key, {data}] of storages.entries()) await zip.add(`${root}/data/${key}`, data);
    await zip.add(`${root}/version`, Buffer.from('3\n'));
    if (Object.keys(texts).length > 0) await zip.add(`${root}/${metadataRecord}`, Buffer.from(JSON.stringify(texts)));
    await zip.finish();
  });
}
