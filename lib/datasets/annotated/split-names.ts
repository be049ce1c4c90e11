/** Names of the folders of splits. */
const SPLIT_NAMES = ['train', 'training', 'valid', 'validation', 'val', 'test', 'testing'];

export function isSplitName(name: string): boolean {
  return SPLIT_NAMES.includes(name.toLowerCase());
}
