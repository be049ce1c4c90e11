import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {writeAtomically} from '../atomic-file.js';
import {readConfigFile} from './config-file.js';
import {TRAIN_CONFIG, type TrainConfig} from './train-config.js';

/** Where a run keeps what was said to `maskrcnn train`. */
export function commandFile(run: string): string {
  return join(run, 'command.json');
}

/** Throws WRITE_FAILED. */
export async function writeCommandFile(run: string, config: TrainConfig): Promise<void> {
  await writeAtomically(commandFile(run), (file) => file.writeFile(`${JSON.stringify(config, null, 2)}\n`));
}

/** What was said; nothing where another program made the run. Throws INVALID_OPTION for a damaged file. */
export async function readCommandFile(run: string): Promise<TrainConfig> {
  const file = commandFile(run);
  return existsSync(file) ? readConfigFile(file, TRAIN_CONFIG) : {};
}
