import {MaskRcnnError} from '../../basics/errors.js';
import {bool, text} from '../../basics/schema.js';
import {cacheRoot} from '../../files/cache.js';
import {pinned} from '../../libtorch/pinned.js';
import {setUpLibtorch} from '../../libtorch/setup.js';
import type {Command} from '../command.js';

export const setup: Command = {
  name: 'setup',
  summary: `Fetch libtorch ${pinned.torch} into the cache`,
  help: () => `Usage: maskrcnn setup [--cpu | --cuda] [--from PATH_OR_URL]

Downloads libtorch ${pinned.torch}, verifies it, and unpacks the needed files into ${cacheRoot()}.
The source is PyTorch's own package index. If that cannot be reached, \`pip download\` is used with your pip
configuration. An interrupted download resumes where it stopped.

  --cpu               libtorch for the CPU, about 200 MB (default)
  --cuda              libtorch for NVIDIA GPUs and the CPU, about 3 GB
  --from PATH_OR_URL  use a torch wheel, a folder of wheels, a libtorch zip, an unpacked libtorch,
                      or the URL of a wheel, a zip or a package index

  maskrcnn setup
  maskrcnn setup --cuda
  maskrcnn setup --from wheels/`,
  options: {cpu: bool, cuda: bool, from: text},
  takes: {min: 0, max: 0, expected: 'no argument', hint: ([path]) => `Did you mean --from ${path}?`},
  async run({cpu, cuda, from}, _, {progress, signal}) {
    if (cpu && cuda) {
      throw new MaskRcnnError('INVALID_OPTION', 'maskrcnn setup takes one of --cpu and --cuda, got both.', {
        hint: 'The libtorch of --cuda serves the CPU too.',
      });
    }
    await setUpLibtorch({variant: cuda ? 'cuda' : 'cpu', from: from as string | undefined, progress, signal});
  },
};
