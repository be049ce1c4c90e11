import {MaskRcnnError} from '../../basics/errors.js';
import {bool} from '../../basics/schema.js';
import {describeFindings, examine} from '../../doctor/examine.js';
import type {Command} from '../command.js';

export const doctor: Command = {
  name: 'doctor',
  summary: 'Check libtorch, the addon, the GPU and the caches, and try them out',
  help: () => `Usage: maskrcnn doctor [--json]

Reports which libtorch was found and where, whether the addon fits it, and what the machine has. Then it runs the
operators and a small network in a separate process. Exits with code 1 if anything fails.

  --json              print the findings as JSON

  maskrcnn doctor
  maskrcnn doctor --json`,
  options: {json: bool},
  takes: {min: 0, max: 0, expected: 'no argument'},
  async run({json}, _, {out, signal}) {
    const findings = await examine();
    // Ctrl-C also ends the self-test; do not report that as a failure.
    signal.throwIfAborted();
    out(json ? JSON.stringify(findings, null, 2) : describeFindings(findings));
    const failed = findings.filter(({state}) => state === 'failed').map(({name}) => name);
    if (failed.length > 0) throw new MaskRcnnError('UNHEALTHY', `Failed: ${failed.join(', ')}.`);
  },
};
