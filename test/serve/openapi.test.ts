import {Validator} from '@seriousme/openapi-schema-validator';
import test from 'ava';
import {openApi} from '../../lib/serve/openapi.js';
import {DEFAULT_LIMITS} from '../../lib/serve/options.js';
import {READING_OPTIONS, REQUEST_OPTIONS} from '../../lib/serve/request-options.js';
import {formulaWeights, started} from './started.js';

type Document = {paths: Record<string, Record<string, {parameters?: {name: string; description: string}[]}>>};

test('the description is an OpenAPI document, with and without a token', async (t) => {
  for (const token of [true, false]) {
    const document = openApi({version: '1.2.3', limits: DEFAULT_LIMITS, token});
    const {valid, errors} = await new Validator().validate(structuredClone(document) as Record<string, unknown>);
    t.true(valid, JSON.stringify(errors));
  }
  const wrong = {openapi: '3.1.0', info: {title: 'x'}, paths: {}};
  t.false((await new Validator().validate(wrong)).valid, 'the check can fail');
});

test('it describes every parameter, and every route that the server has', async (t) => {
  const weights = await formulaWeights();
  t.teardown(weights.remove);
  const {url} = await started(t, weights.file);
  const {paths} = (await (await fetch(`${url}/openapi.json`)).json()) as Document;
  const parameters = (path: string) => paths[path]!.post!.parameters!;
  t.deepEqual(
    parameters('/predict').map(({name}) => name),
    Object.keys(REQUEST_OPTIONS),
  );
  t.deepEqual(
    parameters('/image').map(({name}) => name),
    Object.keys(READING_OPTIONS),
  );
  for (const {name, description} of parameters('/predict')) t.regex(description, / .*\.$/, name);
  for (const [path, methods] of Object.entries(paths)) {
    for (const method of Object.keys(methods)) {
      const {status} = await fetch(`${url}${path}`, {method: method.toUpperCase()});
      t.not(status, 404, path);
      t.not(status, 405, path);
    }
  }
});
