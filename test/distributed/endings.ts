// One process of a group of two that ends, or closes its group, while the other one is to take part in something. Its
// argument names what happens. endings.test.ts says what must come of it.
import {readFile} from 'node:fs/promises';
import {setImmediate, setTimeout} from 'node:timers/promises';
import {isMainThread, parentPort, type Worker, workerData} from 'node:worker_threads';
import type {Group} from '../../binding.js';
import {loadBinding} from '../../lib/addon/binding.js';
import {findPlace} from '../../lib/distributed/place.js';
import {joinGroup} from '../../lib/distributed/process-group.js';
import {startWorker} from '../program.js';

/** Numbers of so many bytes that the C library returns their memory to the system when it is freed. */
const MANY = 1e7;

const place = findPlace()!;
const binding = await loadBinding();
const join = () => binding.Group.join({...place, prefix: 'endings', interface: '', timeout: 60, host: 'here'});
const one = Float64Array.of(1);

/** Waits for the other process by operations that it takes part in. */
async function waitFor(group: Group): Promise<never> {
  for (;;) {
    await group.sum(one);
    await setTimeout(5);
  }
}

/** Why this process or thread cannot join. */
const saysOfJoining = () => join().then(String, (error) => error.message);

function heard(worker: Worker, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message) => message === what && resolve()).once('error', reject);
  });
}

/** Waits until the process `pid` is stopped. */
async function waitUntilStopped(pid: number): Promise<void> {
  // The state is the word after the name, which is in brackets.
  while (!/\) T /.test(await readFile(`/proc/${pid}/stat`, 'utf8'))) await setTimeout(20);
}

/** What a worker thread of rank 0 does. */
const inThread: Record<string, () => Promise<unknown>> = {
  threadJoins: async () => {
    const joining = join();
    parentPort!.postMessage('joins');
    await joining;
  },
  threadWaits: async () => {
    const group = await join();
    const processes = await group.gather(Buffer.from(String(process.pid)));
    const waiting = group.sum(one);
    parentPort!.postMessage(Number(Buffer.from(processes[1]!)));
    await waiting;
  },
  threadBeside: async () => {},
  threadTwice: async () => parentPort!.postMessage(await saysOfJoining()),
};

/** What rank 0 does. */
const first: Record<string, () => Promise<unknown>> = {
  closeAtOnce: async () => {
    const joining = join();
    binding.Group.closeAll();
    console.log(await joining.then(String, (error) => error.message));
  },
  exitAtOnce: async () => {
    void join();
    process.exit(7);
  },
  exitWhileWaiting: async () => {
    const group = await join();
    await group.sum(one);
    void group.sum(one);
    await setTimeout(500);
    process.exit(7);
  },
  threadJoins: async () => {
    const worker = startWorker(import.meta.filename, 'threadJoins');
    await heard(worker, 'joins');
    await setTimeout(500);
    await worker.terminate();
  },
  threadWaits: async () => {
    const worker = startWorker(import.meta.filename, 'threadWaits');
    const other = await new Promise<number>((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    });
    // The sum begins, on the group's own thread.
    await setTimeout(2000);
    await worker.terminate();
    process.kill(other, 'SIGUSR2');
    // The process lives on, so that its end cannot be what the other one hears of.
    await setTimeout(8000);
  },
  threadBeside: async () => {
    const group = await join();
    const worker = startWorker(import.meta.filename, 'threadBeside');
    await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
    console.log(String(await group.sum(one)));
  },
  threadTwice: async () => console.log(await saysOfJoining()),
  abortAfterJoining: async () => {
    const controller = new AbortController();
    const joining = joinGroup('auto', 'train()', controller.signal);
    joining.catch(() => {});
    await setImmediate();
    // Both join meanwhile, of which this thread has not heard when it aborts.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000);
    controller.abort(new Error('lunch'));
    console.log(await joining.catch((error) => error.message));
  },
  failDuringSum: async () => {
    const group = await join();
    const processes = await group.gather(Buffer.from(String(process.pid)));
    const other = Number(Buffer.from(processes[1]!));
    await waitUntilStopped(other);
    // It may be rejected before fail() resolves.
    const saysOfSum = group.sum(new Float64Array(MANY)).then(String, (error) => error.message);
    await setTimeout(500);
    await group.fail('the disk is on fire');
    console.log(await saysOfSum);
    process.kill(other, 'SIGCONT');
    await setTimeout(1000);
  },
};

/** What rank 1 does, where it is not `waitFor()`. */
const second: Record<string, () => Promise<unknown>> = {
  exitWhileWaiting: async () => {
    const group = await join();
    await group.sum(one);
    process.kill(process.pid, 'SIGSTOP');
  },
  threadWaits: async () => {
    // Takes part only once the thread has ended, however long that takes.
    const hasEnded = new Promise((resolve) => process.once('SIGUSR2', resolve));
    const keep = setInterval(() => {}, 1000);
    const group = await join();
    await group.gather(Buffer.from(String(process.pid)));
    await hasEnded;
    clearInterval(keep);
    await waitFor(group);
  },
  threadBeside: async () => {
    const group = await join();
    await group.sum(one);
  },
  threadTwice: async () => {
    const worker = startWorker(import.meta.filename, 'threadTwice');
    const other = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    console.log(await saysOfJoining());
    console.log(await other);
  },
  abortAfterJoining: async () => joinGroup('auto', 'train()'),
  failDuringSum: async () => {
    const group = await join();
    await group.gather(Buffer.from(String(process.pid)));
    const sum = group.sum(new Float64Array(MANY));
    // It begins, and this process is stopped then.
    await setTimeout(500);
    process.kill(process.pid, 'SIGSTOP');
    await sum;
  },
};

if (isMainThread) {
  const what = JSON.parse(process.argv[2]!) as string;
  await (place.rank === 0 ? first[what]! : (second[what] ?? (async () => waitFor(await join()))))();
} else {
  await inThread[workerData as string]!();
}
