import {fileURLToPath} from 'node:url';
import test from 'ava';
import {loadAddon} from '../../lib/addon/binding.js';
import {locateLibtorch} from '../../lib/libtorch/locate.js';

// In a file, so in a process, of its own: the second time libraries are open at once.
test('the event loop runs while libtorch is opened', async (t) => {
  const loader = loadAddon(fileURLToPath(new URL('../..', import.meta.url)));
  const {libDir} = await locateLibtorch();
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  const binding = await loader.load(libDir);
  clearInterval(timer);
  t.regex(binding.environment().libtorch, /^2\./);
  t.true(turns >= 5, `${turns} turns`); // none while the linker had the main thread
});
