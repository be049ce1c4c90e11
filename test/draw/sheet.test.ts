import test from 'ava';
import {textPath, textWidth} from '../../lib/draw/font.js';
import {fitCaption, sheet} from '../../lib/draw/sheet.js';

const path = `/home/someone/${'a-long-folder/'.repeat(20)}slide_17_region_4.png`;

test('a caption with a long path keeps the name of the file and its note', (t) => {
  const caption = {title: path, note: '(12 objects)'};
  for (const [room, start] of [
    [400, '/home.*…'],
    [300, ''],
  ] as const) {
    const {text, size} = fitCaption(caption, room, 11);
    t.true(textWidth(text, size) <= room, text);
    t.regex(text, new RegExp(`^${start}.*slide_17_region_4\\.png \\(12 objects\\)$`));
  }
  t.is(fitCaption(caption, 240, 11).text, 'slide_17_region_4.png (12 objects)');
});

test('where there is hardly any room the note is cut too, and nothing runs over', (t) => {
  for (let room = 8; room < 260; room += 4) {
    for (const note of ['(12 objects)', '']) {
      const {text, size} = fitCaption({title: path, note}, room, 11);
      t.true(textWidth(text, size) <= room, `${room}: ${text}`);
    }
  }
});

test('a caption that is a little too long is drawn smaller, and a short one as large as it may be', (t) => {
  const caption = {title: 'slide_17.png', note: '(3 objects)'};
  const whole = 'slide_17.png (3 objects)';
  t.deepEqual(fitCaption(caption, 1000, 11), {text: whole, size: 11});
  const {text, size} = fitCaption(caption, textWidth(whole, 10), 11);
  t.is(text, whole);
  t.true(Math.abs(size - 10) < 1e-6);
});

test('a sheet draws the captions so', (t) => {
  const picture = {data: new Uint8Array(400 * 10 * 3), width: 400, height: 10};
  const caption = {title: path, note: '(12 objects)'};
  const {elements} = sheet([[{picture, elements: [], ...caption}]], 11);
  const {text, size} = fitCaption(caption, 392, 11);
  t.is(elements[0], textPath(text, 8, 19, {size, color: '#222'}));
});
