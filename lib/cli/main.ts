#!/usr/bin/env node
import {runCli} from './run.js';
import {listenForSignals} from './signals.js';
import {standardOutput} from './standard-output.js';

const {signal, exitCode} = listenForSignals();
process.exitCode = exitCode(await runCli(process.argv.slice(2), standardOutput(), signal));
