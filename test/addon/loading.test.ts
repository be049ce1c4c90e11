import {fileURLToPath} from 'node:url';
import test from 'ava';
import {loadAddon} from '../../lib/addon/binding.js';
import {locateLibtorch} from '../../lib/libtorch/locate.js';

// This test has its own file, and therefore its own process: libraries open immediately the second time.
test('the event loop runs while libtorch is opened', async (t) => {
  const loader = loadAddon(fileURLToPath(new URL('../..', import.meta.url)));
  const {libDir} = await locateLibtorch();
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  const binding = await loader.load(libDir);
  clearInterval(timer);
  t.regex(binding.environment().libtorch, /^2\./);
  t.true(turns >= 5, `${turns} turns`); // there would be none if the linker blocked the main thread
});
