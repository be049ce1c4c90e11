import test from 'ava';
import {cutText, textPath, textWidth} from '../../lib/draw/font.js';

test('there is a glyph for every character of ASCII, the ellipsis and a few signs', (t) => {
  const missing = textPath('\u{4e00}', 0, 0, {size: 8, color: '#000'});
  const ascii = Array.from({length: 94}, (_, i) => String.fromCharCode(33 + i));
  for (const char of [...ascii, '…', '–', '×', '·']) {
    t.not(textPath(char, 0, 0, {size: 8, color: '#000'}), missing, char);
  }
});

test('text that is too long keeps its start, or its start and twice as much of its end', (t) => {
  const text = 'folder/of/many/pictures/picture.png';
  for (const keep of ['start', 'middle'] as const) {
    t.is(cutText(text, 1000, 10, keep), text);
    for (let most = 10; most < textWidth(text, 10); most += 7) {
      const cut = cutText(text, most, 10, keep);
      t.true(textWidth(cut, 10) <= most);
      const [head, tail] = cut.split('…') as [string, string];
      t.true(text.startsWith(head) && text.endsWith(tail), cut);
      t.is(tail.length, keep === 'start' ? 0 : Math.ceil(((head.length + tail.length) * 2) / 3));
    }
  }
});

test('a line of text is turned about its point', (t) => {
  const style = {size: 8, color: '#000', anchor: 'middle'} as const;
  const [level, turned] = [textPath('text', 5, 7, style), textPath('text', 5, 7, {...style, turn: -90})];
  t.is(turned, level.replace('translate(5 7) scale', 'translate(5 7) rotate(-90) scale'));
  t.not(turned, level);
});
