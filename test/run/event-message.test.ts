import {readFileSync} from 'node:fs';
import test from 'ava';
import {type EventContent, encodeEvent, frame} from '../../lib/run/event-message.js';

const fixture = JSON.parse(readFileSync(new URL('../fixtures/run/events.json', import.meta.url), 'utf8')) as {
  events: Record<string, string>;
};

const cases: Record<string, [wallTime: number, step: number, content: EventContent]> = {
  version: [1700000000.25, 0, {fileVersion: 'brain.Event:2'}],
  start: [1700000000.5, 300, {sessionStart: true}],
  scalars: [
    1700000001,
    127,
    {
      scalars: [
        ['loss/total', 1.5],
        ['step/lr', 0],
      ],
    },
  ],
  long: [
    1700000002,
    2 ** 40 + 128,
    {
      scalars: [
        [`validation/${'é'.repeat(80)}`, -1e30],
        ['nan', Number.NaN],
      ],
    },
  ],
};

test('events are those of TensorBoard’s own writer, byte by byte', (t) => {
  t.deepEqual(Object.keys(cases), Object.keys(fixture.events));
  for (const [name, [wallTime, step, content]] of Object.entries(cases)) {
    const bytes = Buffer.from(frame(encodeEvent(wallTime, step, content)));
    t.is(bytes.toString('base64'), fixture.events[name]!, name);
  }
});
