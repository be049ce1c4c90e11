#!/usr/bin/env bash
# `await session.run()` of onnxruntime-node holds the event loop until it ends.
#
# One would guess: run() returns a promise and the computing is native code with
# threads of its own, so timers, sockets and other requests go on meanwhile, as
# they do with sharp or with fs.
#
# What really happens: the promise is only a form. The call begins in the next
# turn of the loop and computes on the main thread, which waits for it. Not one
# tick of a timer of 5 ms comes through while a network of a second runs, and
# two runs "at once" take turns. A worker thread has a loop of its own: there
# the same run lets the main thread tick on.
#
# Why a user of an instance-segmentation tool cares: a detection takes seconds
# on a CPU. A server that answers from the main thread misses its health checks
# and cannot abort a request, and nothing in its code looks synchronous.
#
# Versions: onnxruntime-node 1.30.0. Needs Node.js 20 and npm.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-fund --no-audit --ignore-scripts onnxruntime-node@1.30.0 >/dev/null

cat >run.mjs <<'JS'
import {readFileSync} from 'node:fs';
import {Worker, isMainThread, parentPort} from 'node:worker_threads';
import ort from 'onnxruntime-node';

// A model of onnx.proto by hand: y = x · x · x ..., 1024 × 1024 floats.
const varint = (n) => (n < 128 ? [n] : [(n % 128) + 128, ...varint(Math.floor(n / 128))]);
const number = (field, n) => [...varint(field * 8), ...varint(n)];
const bytes = (field, b) => [...varint(field * 8 + 2), ...varint(b.length), ...b];
const text = (field, s) => bytes(field, [...Buffer.from(s)]);
const dims = bytes(2, [1024, 1024].flatMap((n) => bytes(1, number(1, n))));
const value = (name) => [...text(1, name), ...bytes(2, bytes(1, [...number(1, 1), ...dims]))];
const products = 25;
const names = ['x', ...Array.from({length: products - 1}, (_, i) => `m${i}`), 'y'];
const nodes = names.slice(1).flatMap((name, i) =>
  bytes(1, [...text(1, names[i]), ...text(1, 'x'), ...text(2, name), ...text(4, 'MatMul')]));
const graph = [...nodes, ...text(2, 'g'), ...bytes(11, value('x')), ...bytes(12, value('y'))];
const model = Uint8Array.from([...number(1, 7), ...bytes(7, graph), ...bytes(8, number(2, 13))]);

const session = await ort.InferenceSession.create(model, {intraOpNumThreads: 1});
const x = new ort.Tensor('float32', new Float32Array(1024 * 1024), [1024, 1024]);

/** Ticks of a timer of 5 ms while `work` goes on, and how long that takes. */
async function ticksDuring(work) {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  await new Promise((resolve) => setTimeout(resolve, 50));
  ticks = 0;
  const began = performance.now();
  await work();
  const ms = performance.now() - began;
  clearInterval(timer);
  return {ticks, ms: Math.round(ms)};
}

if (!isMainThread) {
  await session.run({x});
  parentPort.postMessage('done');
} else {
  await session.run({x});
  const one = await ticksDuring(() => session.run({x}));
  const {version} = JSON.parse(readFileSync('node_modules/onnxruntime-node/package.json', 'utf8'));
  console.log('onnxruntime-node', version, 'node', process.version);
  console.log('one run:', one);
  const two = await ticksDuring(() => Promise.all([session.run({x}), session.run({x})]));
  console.log('two runs at once:', two);
  const waits = await ticksDuring(() => new Promise((resolve) => setTimeout(resolve, one.ms)));
  console.log('a timer of the same time:', waits);
  const away = await ticksDuring(() => new Promise((resolve, reject) => {
    new Worker(new URL(import.meta.url)).on('message', resolve).on('error', reject);
  }));
  console.log('a run in a worker thread:', away);
  const asStated = one.ms > 200 && one.ticks <= 1 && two.ticks <= 2 && waits.ticks > 20 && away.ticks > 20;
  console.log(asStated ? 'As stated.' : 'Not as stated.');
  process.exitCode = asStated ? 0 : 1;
}
JS
node run.mjs
