// Opens the addon's library for groups of GPUs, with the libtorch of a folder, and prints the outcome.
import {loadAddon, packageRoot} from '../../lib/addon/binding.js';

const [libDir, path] = process.argv.slice(2);
try {
  await loadAddon(packageRoot).loadNccl(libDir!, path);
  console.log('loaded');
} catch (error) {
  const {code, message} = error as Error & {code: string};
  console.log(`${code} ${message}`);
}
