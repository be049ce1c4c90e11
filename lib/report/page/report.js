/**
 * The browser part of a run's report: values of charts and meanings of terms, under the pointer or at the keyboard's
 * focus. It is copied into the page before report-gallery.js, which uses it too.
 */

const tip = document.createElement('div');
tip.className = 'values';
tip.hidden = true;
document.body.append(tip);
const hideTip = () => {
  tip.hidden = true;
};
addEventListener('scroll', hideOrFollow, {capture: true, passive: true});
addEventListener('pointerdown', hideTip, {capture: true}); // before the touched element shows its own

/**
 * Shows a description next to the pointer. After a touch, it stays until something else is touched.
 * @param {Element} element
 * @param {(event: PointerEvent) => Node[]} describe
 */
function tellUnderPointer(element, describe) {
  const show = (/** @type {Event} */ event) => {
    const pointer = /** @type {PointerEvent} */ (event);
    const lines = describe(pointer);
    tip.replaceChildren(...lines);
    tip.hidden = lines.length === 0;
    if (!tip.hidden) place(tip, pointer);
  };
  element.addEventListener('pointermove', show);
  element.addEventListener('pointerdown', show);
  element.addEventListener('pointerleave', (event) => {
    if (/** @type {PointerEvent} */ (event).pointerType !== 'touch') hideTip();
  });
}

/**
 * Shows the meaning of a term as described by explained.ts.
 * @param {Element} term
 */
function explain(term) {
  const meaning = () => [document.createTextNode(term.getAttribute('aria-description') ?? '')];
  tellUnderPointer(term, meaning);
  term.addEventListener('focus', () => {
    tip.replaceChildren(...meaning());
    tip.hidden = false;
    placeBelow(term);
  });
  term.addEventListener('blur', hideTip);
}

/** @param {Element} term */
function placeBelow(term) {
  const {left, bottom} = term.getBoundingClientRect();
  place(tip, {clientX: left - 14, clientY: bottom - 10});
}

/** The keyboard scrolls to a term when it stops there. Then its meaning must stay. */
function hideOrFollow() {
  const term = document.activeElement;
  if (!tip.hidden && term?.classList.contains('explained')) placeBelow(term);
  else hideTip();
}

/** @param {Element} chart a chart with its frames, as drawn by chart.ts */
function followPointer(chart) {
  const svg = /** @type {SVGSVGElement} */ (chart.querySelector('svg'));
  tellUnderPointer(svg, (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM()?.inverse());
    for (const frame of /** @type {NodeListOf<SVGGElement>} */ (svg.querySelectorAll('[data-frame]'))) {
      const [left, top, width, height, maxX, maxY] = /** @type {[number, number, number, number, number, number]} */ (
        (frame.dataset.frame ?? '').split(' ').map(Number)
      );
      if (at.x < left || at.x > left + width || at.y < top || at.y > top + height) continue;
      const lines = [...frame.querySelectorAll('polyline[data-name]')].flatMap((line) => {
        const near = nearestPoint(line, at.x);
        const name = line.getAttribute('data-name');
        return name && near ? [{name, color: line.getAttribute('stroke') ?? '', near}] : [];
      });
      if (lines.length === 0) continue;
      const x = ((lines[0]?.near.x ?? 0) - left) / width;
      const heading = document.createElement('b');
      heading.textContent = `${frame.dataset.unit} ${Math.round(x * maxX)}`;
      const heightOf = (/** @type {{y: number}} */ {y}) => ((top + height - y) / height) * maxY;
      return [
        heading,
        ...lines.map(({name, color, near}) => markedLine(color, `${name} ${heightOf(near).toPrecision(3)}`)),
      ];
    }
    return [];
  });
}

/**
 * @param {Element} line
 * @param {number} x
 */
function nearestPoint(line, x) {
  const points = (line.getAttribute('points') ?? '').split(' ').map((point) => {
    const [px, py] = point.split(',').map(Number);
    return {x: px ?? 0, y: py ?? 0};
  });
  return points.sort((a, b) => Math.abs(a.x - x) - Math.abs(b.x - x))[0];
}

/**
 * @param {string} color
 * @param {string} text
 */
function markedLine(color, text) {
  const row = document.createElement('div');
  const mark = document.createElement('i');
  mark.style.background = color;
  row.append(mark, text);
  return row;
}

/**
 * Places `box` next to the pointer, inside the window.
 * @param {HTMLElement} box
 * @param {{clientX: number, clientY: number}} pointer
 */
function place(box, {clientX, clientY}) {
  const {width, height} = box.getBoundingClientRect();
  box.style.left = `${Math.max(0, Math.min(clientX + 14, innerWidth - width - 8))}px`;
  box.style.top = `${Math.max(0, Math.min(clientY + 14, innerHeight - height - 8))}px`;
}

for (const term of document.querySelectorAll('.explained')) explain(term);
addEventListener('keydown', ({key}) => {
  if (key === 'Escape') hideTip();
});
for (const chart of document.querySelectorAll('.chart')) followPointer(chart);
