#!/usr/bin/env node
import {createProgress} from '../basics/progress.js';
import {runCli} from './run.js';

const controller = new AbortController();
// A second Ctrl-C ends the process immediately.
process.once('SIGINT', () => controller.abort());
process.exitCode = await runCli(
  process.argv.slice(2),
  {out: (text) => console.log(text), progress: createProgress()},
  controller.signal,
);
