import {readdir} from 'node:fs/promises';
import {MaskRcnnError} from '../../basics/errors.js';
import {count} from '../../basics/wording.js';
import {keyDifference} from '../../files/work-key.js';
import {PartJournal} from './part-journal.js';
import {type Shard, shardFolder, shardOfFolder} from './shard.js';

/**
 * The journals of all parts in `folder`, in order, which are to be closed. Throws INVALID_OPTION that names parts that
 * are missing, not finished, or not of one prediction; BUSY if a process still writes one.
 */
export async function openParts(folder: string): Promise<PartJournal[]> {
  const of = await numberOfParts(folder);
  const journals: PartJournal[] = [];
  try {
    const missing: number[] = [];
    for (let number = 1; number <= of; number++) {
      const part = shardFolder(folder, {number, of});
      if (await PartJournal.isThere(part)) journals.push(await PartJournal.open(part));
      else missing.push(number);
    }
    requireWhole(folder, missing, journals);
    requireAlike(journals);
    return journals;
  } catch (error) {
    for (const journal of journals) await journal.close();
    throw error;
  }
}

/** Into how many parts the images were divided, by the names of the folders. */
async function numberOfParts(folder: string): Promise<number> {
  const entries = await readdir(folder, {withFileTypes: true}).catch(() => []);
  const shards = entries.flatMap((entry) => (entry.isDirectory() ? (shardOfFolder(entry.name) ?? []) : [])) as Shard[];
  const [of, ...others] = [...new Set(shards.map((shard) => shard.of))].sort((a, b) => a - b);
  if (of === undefined) {
    throw new MaskRcnnError('INVALID_OPTION', `${folder} must hold parts of a prediction, such as part-1-of-2.`, {
      file: folder,
      hint: 'Name the --output of `maskrcnn predict --shard`.',
    });
  }
  if (others.length === 0) return of;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `The parts in ${folder} must be of one division, and there are parts of ${[of, ...others].join(' and of ')}.`,
    {file: folder, hint: 'Move those of the other division away.'},
  );
}

function requireWhole(folder: string, missing: readonly number[], journals: readonly PartJournal[]): void {
  const faults = [
    ...missing.map((number) => `part ${number} is missing`),
    ...journals
      .filter(({length, images}) => length < images)
      .map(({head, length, images}) => `part ${head.shard.number} has ${length} of its ${count(images, 'image')}`),
  ];
  if (faults.length === 0) return;
  const {of} = journals[0]?.head.shard ?? {of: missing.length};
  throw new MaskRcnnError('INVALID_OPTION', `All ${of} parts in ${folder} must be finished: ${faults.join('; ')}.`, {
    file: folder,
    hint: `Run \`maskrcnn predict\` with --shard K/${of} --resume and its other options for each of them.`,
  });
}

/** Throws if a part was made otherwise than the first one. */
function requireAlike([first, ...others]: readonly PartJournal[]): void {
  for (const {folder, head} of others) {
    const differs = keyDifference(first!.head.key, head.key);
    if (differs === undefined) continue;
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `All parts must be made alike, but part ${head.shard.number} has another ${differs.name} than part 1: ` +
        `${differs.now}, not ${differs.before}.`,
      {file: folder, hint: 'Make one of them anew, with --overwrite and the options of the others.'},
    );
  }
}
