/**
 * A stroke font for pictures that look the same on every machine. Servers often have no fonts at all, and then sharp
 * draws no text.
 *
 * Glyphs are drawn on a grid. Capitals reach from 0 (top) to 8 (base line), lower-case letters from 3, descenders down
 * to 11. A stroke is a chain of points, each given as two base-16 digits x and y. A dot is the same point twice, which
 * shows because strokes have round ends.
 */
const GLYPHS: Record<string, string> = {
  A: '083068 1555',
  B: '08004051534404 4455574808',
  C: '5140200206284857',
  D: '00305256380800',
  E: '50000858 0444',
  F: '500008 0444',
  G: '51402002062848575434',
  H: '0008 5058 0454',
  I: '1018 0020 0828',
  J: '404738180706',
  K: '0008 5005 2358',
  L: '000848',
  M: '0800346068',
  N: '08005850',
  O: '204062664828060220',
  P: '08004051534404',
  Q: '204062664828060220 4668',
  R: '08004051534404 2458',
  S: '514010010314445557481807',
  T: '0060 3038',
  U: '000718485750',
  V: '003860',
  W: '0028426880',
  X: '0058 5008',
  Y: '003460 3438',
  Z: '00500858',
  a: '4348 4433130407183847',
  b: '0008 0413334447381807',
  c: '4433130407183847',
  d: '4048 4433130407183847',
  e: '05454433130407183847',
  f: '30201118 0333',
  g: '434a3b1b0a 4433130407183847',
  h: '0008 0413334448',
  i: '0308 0101',
  j: '131a0b 1111',
  k: '0008 4306 1548',
  l: '0008',
  m: '0308 0413233438 3443536468',
  n: '0308 0413334448',
  o: '133344473818070413',
  p: '030b 0413334447381807',
  q: '434b 4433130407183847',
  r: '0308 041333',
  s: '44331304153647381807',
  t: '11172838 0333',
  u: '0307183847 4348',
  v: '032843',
  w: '0318345863',
  x: '0348 4308',
  y: '0328 43281b0b',
  z: '03430848',
  '0': '103041473818070110',
  '1': '022028 0848',
  '2': '01103041430848',
  '3': '0110304143344547381807 1434',
  '4': '38300656',
  '5': '400003334447381807',
  '6': '413010010718384745341405',
  '7': '004018',
  '8': '103041433414030110 1405071838474534',
  '9': '071838474130100103143443',
  '.': '1818',
  ',': '180a',
  ':': '0404 0808',
  ';': '1414 180a',
  '!': '0005 0808',
  '?': '01103041432425 2828',
  "'": '0002',
  '"': '0002 2022',
  '-': '0535',
  '–': '0555',
  _: '0959',
  '+': '0545 2327',
  '*': '0444 1226 3216',
  '=': '0444 0646',
  '/': '0840',
  '\\': '0048',
  '|': '0009',
  '(': '20020628',
  ')': '00222608',
  '[': '20000828',
  ']': '00202808',
  '<': '420548',
  '>': '024508',
  '#': '1018 4048 0353 0555',
  '%': '5008 0020220200 3656583836',
  '×': '0448 4408',
  '·': '0505',
  '…': '0808 2828 4848',
  '&': '5813112031320507183855',
  '@': '5545353454576848280602207062',
  $: '514010010314445557481807 3039',
  '^': '022042',
  '~': '06152546',
  '{': '30211304151728',
  '}': '00111324151708',
  '`': '0012',
};

/** Drawn for characters that the font lacks. */
const MISSING = '0040480800';
const CAPITAL = 8;
const SPACING = 2;
const SPACE = 3;
const THINNEST = 1.3;

export type TextStyle = {
  /** Height of a capital letter in pixels. */
  size: number;
  color: string;
  /** Which point of the base line x and y give. Default 'start'. */
  anchor?: 'start' | 'middle' | 'end';
  /** Clockwise rotation about x and y in degrees. Default 0. */
  turn?: number;
  /** Stroke width in pixels. Default: a ninth of the size, but at least `THINNEST`. */
  weight?: number;
};

/** The width of `text` in pixels. */
export function textWidth(text: string, size: number): number {
  return (layout(text).width * size) / CAPITAL;
}

/**
 * `text`, shortened to at most `most` pixels. It keeps the start, or ('middle') the start and twice as much of the end,
 * where a path has the name of its file. Empty if there is no room for an ellipsis.
 */
export function cutText(text: string, most: number, size: number, keep: 'start' | 'middle' = 'start'): string {
  if (textWidth(text, size) <= most) return text;
  const chars = Array.from(text);
  const keeping = (count: number) => {
    const head = keep === 'start' ? count : Math.floor(count / 3);
    return `${chars.slice(0, head).join('')}…${chars.slice(chars.length - (count - head)).join('')}`;
  };
  // Halves the range, because measuring a text takes time in proportion to its length.
  let [fits, exceeds] = [0, chars.length];
  while (exceeds - fits > 1) {
    const count = Math.floor((fits + exceeds) / 2);
    if (textWidth(keeping(count), size) <= most) fits = count;
    else exceeds = count;
  }
  return textWidth(keeping(fits), size) <= most ? keeping(fits) : '';
}

/** One line of text as an SVG path. x and y are the point of the base line that `anchor` names, in pixels. */
export function textPath(text: string, x: number, y: number, style: TextStyle): string {
  const {size, color, anchor = 'start', turn = 0, weight = Math.max(THINNEST, size / 9)} = style;
  const scale = size / CAPITAL;
  const {strokes, width} = layout(text);
  const shift = {start: 0, middle: width / 2, end: width}[anchor];
  const path = strokes
    .map((points) =>
      points.map(([px, py], i) => `${i === 0 ? 'M' : 'L'}${round(px - shift)} ${round(py - CAPITAL)}`).join(''),
    )
    .join('');
  return (
    `<path d="${path}" transform="translate(${round(x)} ${round(y)})${turn === 0 ? '' : ` rotate(${turn})`} scale(${round(scale)})" fill="none" ` +
    `stroke="${color}" stroke-width="${round(weight / scale)}" stroke-linecap="round" stroke-linejoin="round"/>`
  );
}

/** The strokes of a line of text in grid units from its left end, and its width. */
function layout(text: string): {strokes: [number, number][][]; width: number} {
  const strokes: [number, number][][] = [];
  let pen = 0;
  // NFD separates accents from letters. Accents are then dropped, so ü is drawn as u.
  for (const char of text.normalize('NFD').replaceAll(/\p{Mark}/gu, '')) {
    if (/\s/.test(char)) {
      pen += SPACE + SPACING;
      continue;
    }
    let right = 0;
    for (const stroke of (Object.hasOwn(GLYPHS, char) ? GLYPHS[char]! : MISSING).split(' ')) {
      const points: [number, number][] = [];
      for (let i = 0; i < stroke.length; i += 2) {
        const px = Number.parseInt(stroke[i]!, 16);
        right = Math.max(right, px);
        points.push([pen + px, Number.parseInt(stroke[i + 1]!, 16)]);
      }
      strokes.push(points);
    }
    pen += right + SPACING;
  }
  return {strokes, width: Math.max(0, pen - SPACING)};
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
