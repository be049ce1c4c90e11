import test from 'ava';
import {cutText, textPath, textWidth} from '../../lib/draw/font.js';

test('there is a glyph for every character of ASCII, the ellipsis and a few signs', (t) => {
  const missing = textPath('\u{4e00}', 0, 0, {size: 8, color: '#000'});
  const ascii = Array.from({length: 94}, (_, i) => String.fromCharCode(33 + i));
  for (const char of [...ascii, '…', '–', '×', '·']) {
    t.not(textPath(char, 0, 0, {size: 8, color: '#000'}), missing, char);
  }
});

test('text that is too long keeps its start, or its end', (t) => {
  const text = 'folder/picture.png';
  t.is(cutText(text, 1000, 10), text);
  for (const keep of ['start', 'end'] as const) {
    for (let most = 10; most < textWidth(text, 10); most += 7) {
      const cut = cutText(text, most, 10, keep);
      t.true(textWidth(cut, 10) <= most);
      const rest = cut.replace('…', '');
      t.true(
        keep === 'start' ? text.startsWith(rest) && cut.endsWith('…') : text.endsWith(rest) && cut.startsWith('…'),
      );
    }
  }
});

test('a line of text is turned about its point', (t) => {
  const style = {size: 8, color: '#000', anchor: 'middle'} as const;
  const [level, turned] = [textPath('text', 5, 7, style), textPath('text', 5, 7, {...style, turn: -90})];
  t.is(turned, level.replace('translate(5 7) scale', 'translate(5 7) rotate(-90) scale'));
  t.not(turned, level);
});
