import {readFile} from 'node:fs/promises';
import {decode} from '@thi.ng/rle-pack';
import test from 'ava';
import {labelStudioBackend} from '../../lib/label-studio/backend.js';
import {decodeRle} from '../../lib/masks/rle.js';
import {HARD} from '../export/drawn.js';
import {classes, hardDetections} from './detected.js';
import {mounted, send, serve} from './servers.js';

type Recorded = {method: string; path: string; headers: Record<string, string>; body?: Record<string, unknown>};
const {requests} = JSON.parse(
  await readFile(new URL('../fixtures/label-studio/requests.json', import.meta.url), 'utf8'),
) as {requests: Recorded[]};

type Result = {
  id: string;
  type: string;
  from_name: string;
  to_name: string;
  original_width: number;
  original_height: number;
  score: number;
  value: {points?: number[][]; rle?: number[]; x?: number; y?: number; width?: number; height?: number} & Record<
    string,
    unknown
  >;
};
type Answer = {results: {result: Result[]; score: number; model_version: string}[]; notices?: string[]};

const signal = new AbortController().signal;
const IMAGE = `data:image/png;base64,${Buffer.from('pixels').toString('base64')}`;

const control = (tag: string, labels = '<Label value="gland"/><Label value="lumen"/>') =>
  `<${tag} name="${tag}-1" toName="photo">${labels}</${tag}>`;
const config = (...controls: string[]) =>
  `<View><Image name="photo" value="$scan"/>${controls.join('')}<Choices name="c" toName="photo"><Choice value="x"/></Choices></View>`;

async function backend(more: Partial<Parameters<typeof labelStudioBackend>[0]> = {}) {
  const found = await hardDetections();
  return labelStudioBackend({name: 'm', version: '1', classes, maxBytes: 1000, detect: async () => found, ...more});
}

async function predicted(xml: string, more?: Parameters<typeof backend>[0]): Promise<Answer> {
  const made = await backend(more);
  return (await made.predict({tasks: [{id: 1, data: {scan: IMAGE}}], label_config: xml}, signal)) as Answer;
}

test("the requests of the tool's own client are answered as it wants", async (t) => {
  const asked: string[] = [];
  const tool = await serve(t, (request, response) => {
    asked.push(`${request.headers.authorization} ${request.url}`);
    response.end('pixels');
  });
  const files: string[] = [];
  const server = await serve(
    t,
    mounted(
      await backend({
        url: tool,
        apiKey: 'key',
        async detect(bytes, {name}) {
          files.push(`${Buffer.from(bytes)} ${name}`);
          return hardDetections();
        },
      }),
    ),
  );
  const answers = new Map<string, unknown>();
  for (const {method, path, headers, body} of requests) {
    const response = await fetch(server + path, {method, headers, ...(body && {body: JSON.stringify(body)})});
    t.is(response.status, 200, path);
    answers.set(path, await response.json());
  }
  t.deepEqual([...answers.keys()].sort(), ['/health', '/predict', '/setup', '/versions', '/webhook']);
  t.deepEqual(answers.get('/health'), {status: 'UP', model_class: 'm'});
  t.deepEqual(answers.get('/setup'), {model_version: 'm 1'});
  t.deepEqual(answers.get('/versions'), {versions: ['m 1']});
  t.regex((answers.get('/webhook') as {message: string}).message, /maskrcnn train/);
  const {results, notices} = answers.get('/predict') as Answer;
  t.is(results.length, 2);
  t.is(notices, undefined);
  for (const {result, model_version} of results) {
    t.is(result.length, HARD.objects.length);
    t.is(model_version, 'm 1');
  }
  t.deepEqual(asked, ['Token key /data/upload/3/1a2b3c4d-a.png', 'Token key /data/local-files/?d=scans/b.png']);
  t.deepEqual(files, [
    "pixels '/data/upload/3/1a2b3c4d-a.png' of task 1",
    "pixels '/data/local-files/?d=scans/b.png' of task 2",
  ]);
});

test('an object is a polygon in percent, or a brush stroke if it has holes or parts', async (t) => {
  const {results} = await predicted(config(control('PolygonLabels'), control('BrushLabels')));
  const [{result, score}] = results as [Answer['results'][number]];
  const found = await hardDetections();
  t.is(score, found.scores.reduce((sum, each) => sum + each, 0) / found.scores.length);
  t.deepEqual(
    result.map(({score: own}) => own),
    [...found.scores],
  );
  const kinds = result.map(({type}) => type);
  t.is(kinds.filter((kind) => kind === 'brushlabels').length, 6);
  t.is(kinds.filter((kind) => kind === 'polygonlabels').length, 7);
  for (const [i, {value, type, from_name, to_name, original_width, original_height}] of result.entries()) {
    t.is(to_name, 'photo');
    t.deepEqual([original_width, original_height], [HARD.width, HARD.height]);
    t.deepEqual(value[type], [found.classNames[i]]);
    if (type === 'brushlabels') {
      t.is(from_name, 'BrushLabels-1');
      const pixels = decode(Uint8Array.from(value.rle!)) as Uint8Array;
      const alphas = Uint8Array.from(pixels.filter((_, at) => at % 4 === 3)).map((alpha) => Math.sign(alpha));
      t.deepEqual(alphas, decodeRle(found.masks[i]!));
    } else {
      t.is(from_name, 'PolygonLabels-1');
      const [left, top, right, bottom] = [...found.boxes.subarray(4 * i, 4 * i + 4)];
      const xs = value.points!.map(([x]) => (x! * HARD.width) / 100);
      const ys = value.points!.map(([, y]) => (y! * HARD.height) / 100);
      const extent = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
      t.deepEqual(extent.map(Math.round), [left, top, right, bottom]);
    }
  }
});

test('without a brush holes are filled and parts are joined, and this is told', async (t) => {
  const said: string[] = [];
  const {results, notices} = await predicted(config(control('PolygonLabels')), {onNotice: (text) => said.push(text)});
  t.true(results[0]!.result.every(({type}) => type === 'polygonlabels'));
  t.is(results[0]!.result.length, HARD.objects.length);
  t.deepEqual(notices, said);
  t.regex(said.join('\n'), /holes were filled in 3 objects on 1 image.* a data: URI of task 1, object 2\./);
  t.regex(said.join('\n'), /gaps between parts were bridged/);
});

test('a rectangle is the box in percent, also of a network without masks', async (t) => {
  const boxesAlone = {...(await hardDetections()), masks: []};
  for (const detect of [hardDetections, async () => boxesAlone]) {
    const {results} = await predicted(config(control('RectangleLabels')), {detect});
    const {result} = results[0]!;
    t.is(result.length, HARD.objects.length);
    const [{type, value}] = result as [Result];
    t.is(type, 'rectanglelabels');
    const [x0, y0, x1, y1] = [...boxesAlone.boxes.subarray(0, 4)] as [number, number, number, number];
    const inPixels = [
      value.x! * HARD.width,
      value.y! * HARD.height,
      value.width! * HARD.width,
      value.height! * HARD.height,
    ];
    t.deepEqual(
      inPixels.map((each) => Math.round(each / 100)),
      [x0, y0, x1 - x0, y1 - y0],
    );
  }
});

test('boxes alone are left out where only shapes can be drawn, and this is told', async (t) => {
  const boxesAlone = {...(await hardDetections()), masks: []};
  const {results, notices} = await predicted(config(control('PolygonLabels')), {detect: async () => boxesAlone});
  t.deepEqual(results[0]!.result, []);
  t.regex(notices!.join(), /7 of class gland, 6 of class lumen/);
});

test('classes without a label are left out and told; predicted_values, alias and case are heeded', async (t) => {
  const one = await predicted(config(control('BrushLabels', '<Label value="Gland"/>')));
  t.deepEqual(new Set(one.results[0]!.result.map(({value}) => String(value.brushlabels))), new Set(['Gland']));
  t.regex(one.notices!.join(), /no place for them: 6 of class lumen\./);
  const labels = '<View><Label value="Organ" alias="O" predicted_values="gland, lumen"/></View>';
  const two = await predicted(config(control('BrushLabels', labels)));
  t.deepEqual(new Set(two.results[0]!.result.map(({value}) => String(value.brushlabels))), new Set(['O']));
  t.is(two.notices, undefined);
});

test('objects below the threshold of a control are not shown, and not told', async (t) => {
  const strict = control('BrushLabels').replace('toName', 'model_score_threshold="0.7" toName');
  const {results, notices} = await predicted(config(strict));
  const {scores} = await hardDetections();
  t.is(results[0]!.result.length, scores.filter((score) => score >= 0.7).length);
  t.is(notices, undefined);
});

test('a configuration that no object fits is refused at setup, with the reason', async (t) => {
  const setup = async (schema: unknown) => (await backend()).setup({project: '1.1', schema});
  await t.notThrowsAsync(setup(config(control('polygonlabels'))));
  const faults: [unknown, RegExp][] = [
    [
      config(control('BrushLabels', '<Label value="cat"/>')),
      /label for a class of the model \(gland, lumen\), and has cat\./,
    ],
    [config(control('KeyPointLabels')), /and has no such control/],
    ['<View><PolygonLabels name="p" toName="text"/></View>', /none for an <Image>/],
    ['<View><Image', /must be XML: .* in line 1, column 1\d/],
    ['<!DOCTYPE a [<!ENTITY b "c">]><View>&b;</View>', /must be XML: undefined entity/],
    ['<a>'.repeat(200), /at most 128 levels/],
    ['x'.repeat(5_000_000), /at most 4194304 characters/],
    [undefined, /must be XML, got undefined/],
    [7, /must be XML, got 7/],
  ];
  for (const [schema, message] of faults) {
    const error = await t.throwsAsync(setup(schema), {code: 'INVALID_OPTION'}, String(message));
    t.regex(error!.message, message);
  }
});

test('one image that is not there costs the others nothing; if all are missing, it is an error', async (t) => {
  const tool = await serve(t, (request, response) => {
    if (request.url!.includes('there')) response.end('pixels');
    else send(response, 404, {});
  });
  const made = await backend({url: tool});
  const task = (id: number, name: string) => ({id, data: {scan: `/data/upload/1/${name}.png`}});
  const label_config = config(control('BrushLabels'));
  const tasks = [task(1, 'gone'), task(2, 'there'), {id: 3, data: {}}];
  const {results, notices} = await made.predict({tasks, label_config}, signal);
  t.deepEqual(
    results.map((result) => ('result' in result ? result.result.length : result)),
    [[], HARD.objects.length, []],
  );
  t.regex(notices!.join('\n'), /task 1, '\/data\/upload\/1\/gone.png': it is not there \(404\)/);
  t.regex(notices!.join('\n'), /Field 'scan' of task 3 must be the address of an image, got undefined/);
  await t.throwsAsync(made.predict({tasks: [task(1, 'gone')], label_config}, signal), {code: 'DOWNLOAD_FAILED'});
});

test('a request that is aborted ends with the reason', async (t) => {
  const reason = new Error('gone');
  const made = await backend();
  const body = {tasks: [{id: 1, data: {scan: IMAGE}}], label_config: config(control('BrushLabels'))};
  t.is(await t.throwsAsync(made.predict(body, AbortSignal.abort(reason))), reason);
});

test('options are checked', async (t) => {
  const faults: [Parameters<typeof backend>[0], RegExp][] = [
    [{classes: []}, /'classes'/],
    [{maxBytes: 0}, /'maxBytes'/],
    [{url: 'ftp://a'}, /must be an http or https URL, got 'ftp:\/\/a'/],
    [{url: 'label studio'}, /must be an http or https URL/],
    [{url: 'http://user:word@a'}, /must be an http or https URL/],
  ];
  for (const [options, message] of faults) {
    await t.throwsAsync(backend(options), {code: 'INVALID_OPTION', message});
  }
});
