#!/usr/bin/env node
import {createProgress} from '../basics/progress.js';
import {runCli} from './run.js';
import {listenForSignals} from './signals.js';

const {signal, exitCode} = listenForSignals();
process.exitCode = exitCode(
  await runCli(process.argv.slice(2), {out: (text) => console.log(text), progress: createProgress()}, signal),
);
