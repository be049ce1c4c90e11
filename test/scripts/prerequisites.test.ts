import test from 'ava';
import {checkPrerequisites, type Probe} from '../../scripts/prerequisites.js';

/** A machine on which only these commands work, with this output. */
function machine(commands: Record<string, string>): Probe {
  return async (command) => commands[command];
}

const cmake = 'cmake version 3.25.1\n';

test('a machine that has all passes', async (t) => {
  await t.notThrowsAsync(checkPrerequisites('linux', machine({cmake, 'c++': '', make: ''}), {}));
  await t.notThrowsAsync(checkPrerequisites('linux', machine({cmake, 'clang++': '', ninja: ''}), {}));
});

test('a machine that has nothing is told all, with the line of its package manager', async (t) => {
  const missing = 'The addon cannot be built from source. CMake >= 3.18 is needed, but cmake is not on the PATH. ';
  const error = await t.throwsAsync(checkPrerequisites('linux', machine({'apt-get': ''}), {}), {code: 'BUILD_FAILED'});
  t.true(error!.message.startsWith(missing));
  t.regex(error!.message, /C\+\+20 compiler .* none of c\+\+, g\+\+, clang\+\+ .* Ninja or Make is needed/);
  t.regex(
    error!.message,
    /\nInstall them with: sudo apt-get update && sudo apt-get install -y g\+\+ cmake ninja-build$/,
  );
  for (const [manager, line] of [
    ['dnf', /dnf install -y gcc-c\+\+ cmake/],
    ['brew', /xcode-select --install; brew install cmake/],
    ['none', /the package manager of your system/],
  ] as const) {
    await t.throwsAsync(checkPrerequisites('linux', machine({[manager]: ''}), {}), {message: line});
  }
});

test('an old CMake is refused with its version', async (t) => {
  const probe = machine({cmake: 'cmake version 3.16.3', 'c++': '', make: ''});
  await t.throwsAsync(checkPrerequisites('linux', probe, {}), {
    message: /CMake >= 3\.18 is needed, but cmake is 3\.16\./,
  });
});

test('CXX is the only compiler asked where it is set', async (t) => {
  const probe = machine({cmake, 'c++': '', make: ''});
  await t.throwsAsync(checkPrerequisites('linux', probe, {CXX: 'icpc'}), {message: /none of icpc compiles C\+\+20/});
});
