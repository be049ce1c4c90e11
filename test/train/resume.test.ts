import {type ChildProcess, spawn} from 'node:child_process';
import {existsSync} from 'node:fs';
import {cp, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {type MaskRcnn, maskRcnn, type Run, type TrainOptions, train} from '../../lib/index.js';
import {nodeArguments} from '../program.js';
import {blobs, fingerprints, tinyModel} from '../tiny.js';
import {interruptible} from './interruptible.js';

let folder: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-resume-'));
});

test.after.always(async () => {
  await rm(folder, {recursive: true, force: true});
});

/** The results of a run: the losses of every step, the scores of every epoch, and the weights. */
async function course(model: MaskRcnn, {history}: Run): Promise<object> {
  return {
    steps: history.steps.map(({step, epoch, lr, losses, gradientNorm}) => ({step, epoch, lr, losses, gradientNorm})),
    epochs: history.epochs.map(({epoch, loss, validation}) => ({epoch, loss, validation})),
    weights: fingerprints(await model.stateDict()),
  };
}

let uninterrupted: Promise<object> | undefined;

function wholeCourse(): Promise<object> {
  uninterrupted ??= (async () => {
    await using model = await maskRcnn(tinyModel);
    return course(model, await train(model, interruptible(join(folder, 'whole'))));
  })();
  return uninterrupted;
}

async function resumedCourse(output: string): Promise<object> {
  await using model = await maskRcnn(tinyModel);
  return course(model, await train(model, {...interruptible(output), resume: true}));
}

/** Trains in a separate process, which is killed once it has reported `steps` steps. */
async function killAfter(output: string, steps: number): Promise<void> {
  const child: ChildProcess = spawn(process.execPath, [...nodeArguments('test/train/interruptible-run.ts'), output], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let told = 0;
  child.stdout!.on('data', (text: Buffer) => {
    told += text.toString().split('\n').length - 1;
    if (told >= steps) child.kill('SIGKILL');
  });
  const signal = await new Promise((resolve) => child.on('close', (_, by) => resolve(by)));
  if (signal !== 'SIGKILL')
    throw new Error(`The run should have been killed after ${steps} steps, and ended by itself.`);
}

// Random, so that repeated runs of this test try many positions. The title of the test shows the position.
const killed = [2, 6].map((least) => least + Math.floor(Math.random() * 4));

for (const steps of killed) {
  test.serial(`killed after step ${steps} and resumed, a run is what it had been without`, async (t) => {
    const output = join(folder, `killed-${steps}`);
    await killAfter(output, steps);
    t.deepEqual(await resumedCourse(output), await wholeCourse());
  });
}

test.serial('killed twice, the second time while it goes on', async (t) => {
  const output = join(folder, 'killed-twice');
  await killAfter(output, 4);
  await killAfter(output, 3);
  t.deepEqual(await resumedCourse(output), await wholeCourse());
  const lines = (await readFile(join(output, 'metrics.jsonl'), 'utf8')).trim().split('\n');
  const steps = lines.map((line) => JSON.parse(line)).filter(({type}) => type === 'step');
  t.deepEqual(
    steps.map(({step}) => step),
    Array.from({length: 12}, (_, step) => step),
  );
});

test.serial('aborted between evaluation and checkpoint, and resumed', async (t) => {
  const output = join(folder, 'aborted');
  await using model = await maskRcnn(tinyModel);
  const controller = new AbortController();
  const data = {...blobs(4), get: async (index: number) => await blobs(4).get(index)};
  let evaluated = 0;
  const validation = {
    ...data,
    get: (index: number) => {
      if (++evaluated === 6) controller.abort(new Error('lunch'));
      return data.get(index);
    },
  };
  await t.throwsAsync(train(model, {...interruptible(output), validation, signal: controller.signal}), {
    message: 'lunch',
  });
  t.deepEqual(await resumedCourse(output), await wholeCourse());
});

test.serial('a run that has ended is resumed to the same end', async (t) => {
  await wholeCourse();
  const output = join(folder, 'ended');
  await cp(join(folder, 'whole'), output, {recursive: true});
  t.deepEqual(await resumedCourse(output), await wholeCourse());
});

test.serial(
  'options that are left out are those of before; those that decide the course must not differ',
  async (t) => {
    await wholeCourse();
    const output = join(folder, 'whole');
    await using model = await maskRcnn(tinyModel);
    const resume = (options: Partial<TrainOptions>) =>
      train(model, {data: blobs(14), output, resume: true, log: 'silent', validation: blobs(4), ...options});
    const kept = JSON.parse(await readFile(join(output, 'options.json'), 'utf8'));
    await resume({});
    t.deepEqual(JSON.parse(await readFile(join(output, 'options.json'), 'utf8')), kept);
    t.is((await resume({limitHours: 3, patience: 5})).history.steps.length, 12);

    const rate = await t.throwsAsync(resume({lr: 0.5}), {code: 'INVALID_OPTION'});
    t.regex(rate!.message, /^Option 'lr' of a resumed run must be 0\.001 as before, got 0\.5\.\n/);
    const ema = await t.throwsAsync(resume({ema: false}), {code: 'INVALID_OPTION'});
    t.regex(ema!.message, /^Option 'ema' of a resumed run must be \{"decay":0\.9\} as before, got false\./);
    const data = await t.throwsAsync(resume({data: blobs(7)}), {code: 'INVALID_DATASET'});
    t.is(data!.message, "'data' of a resumed run must have its 14 images, got 7.");
  },
);

test.serial('what cannot be resumed is refused by name', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const output = join(folder, 'nothing');
  const none = await t.throwsAsync(train(model, {...interruptible(output), resume: true}), {
    code: 'INVALID_CHECKPOINT',
  });
  t.true(none!.message.startsWith(`${join(output, 'last.state.safetensors')} must be there for a run to be resumed`));

  await wholeCourse();
  await using other = await maskRcnn({...tinyModel, boxDetectionsPerImg: 11});
  const whole = join(folder, 'whole');
  const network = await t.throwsAsync(train(other, {...interruptible(whole), resume: true}), {
    code: 'INVALID_CHECKPOINT',
  });
  t.regex(network!.message, /must be of the network that is trained: its boxDetectionsPerImg is 10, the model's 11\./);

  await cp(join(whole, 'last.safetensors'), join(output, 'last.state.safetensors'));
  const weights = await t.throwsAsync(train(model, {...interruptible(output), resume: true}), {
    code: 'INVALID_CHECKPOINT',
  });
  t.regex(weights!.message, /is not the state of a training run/);
});

test.serial("'auto' begins where there is nothing to go on with", async (t) => {
  await using model = await maskRcnn(tinyModel);
  const run = await train(model, {...interruptible(join(folder, 'auto')), resume: 'auto'});
  t.deepEqual(await course(model, run), await wholeCourse());
});

test.serial('a new run that is killed before its first save is never resumed as the old one', async (t) => {
  await wholeCourse();
  const output = join(folder, 'anew');
  await cp(join(folder, 'whole'), output, {recursive: true});
  await using model = await maskRcnn(tinyModel);
  const old = await readFile(join(output, 'last.state.safetensors'));
  // As a kill in the first step: nothing is saved.
  const killed = train(model, {
    ...interruptible(output),
    onStep: () => {
      throw new Error('killed');
    },
  });
  await t.throwsAsync(killed, {message: 'killed'});
  await t.throwsAsync(train(model, {...interruptible(output), resume: true}), {
    code: 'INVALID_CHECKPOINT',
    message: /last\.state\.safetensors must be there for a run to be resumed/,
  });
  // Even if the old state is put back.
  await writeFile(join(output, 'last.state.safetensors'), old);
  const error = await t.throwsAsync(train(model, {...interruptible(output), resume: true}), {
    code: 'INVALID_CHECKPOINT',
  });
  t.regex(error!.message, /last\.state\.safetensors and .*metrics\.jsonl must be of the same run, got run \S+ and run/);
  await rm(join(output, 'last.state.safetensors'));
  await using fresh = await maskRcnn(tinyModel);
  const anew = await train(fresh, {...interruptible(output), resume: 'auto'});
  t.deepEqual(await course(fresh, anew), await wholeCourse());
});

test.serial('a second run in the folder of one that goes on is refused, and does not disturb it', async (t) => {
  const output = join(folder, 'shared');
  await using model = await maskRcnn(tinyModel);
  await using other = await maskRcnn(tinyModel);
  const refused: Promise<unknown>[] = [];
  const run = await train(model, {
    ...interruptible(output),
    onStep: ({step}) => {
      if (step !== 5) return;
      for (const resume of [false, 'auto'] as const) {
        const second = refused.at(-1) ?? Promise.resolve();
        refused.push(second.then(() => train(other, {...interruptible(output), resume}).catch((error) => error)));
      }
    },
  });
  for (const error of await Promise.all(refused)) t.like(error, {code: 'BUSY', file: join(output, 'run.lock')});
  t.deepEqual(await course(model, run), await wholeCourse());
  t.false(existsSync(join(output, 'run.lock')));
});
