/**
 * The browser part of a run's report: values under the pointer, and the gallery. It is copied into the page, which
 * therefore loads nothing.
 *
 * @typedef {import('./gallery.js').GalleryImage} GalleryImage
 * @typedef {import('./gallery.js').GalleryObject} GalleryObject
 * @typedef {'image' | 'truth' | 'found'} View
 * @typedef {{object: GalleryObject, color: [number, number, number], inside: Uint8Array,
 *   layer: HTMLCanvasElement}} Layer
 */

const tip = document.createElement('div');
tip.className = 'values';
tip.hidden = true;
document.body.append(tip);
const hideTip = () => {
  tip.hidden = true;
};
addEventListener('scroll', hideTip, {capture: true, passive: true});
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
 * @param {PointerEvent} event
 */
function place(box, {clientX, clientY}) {
  const {width, height} = box.getBoundingClientRect();
  box.style.left = `${Math.max(0, Math.min(clientX + 14, innerWidth - width - 8))}px`;
  box.style.top = `${Math.max(0, Math.min(clientY + 14, innerHeight - height - 8))}px`;
}

/**
 * @param {{images: GalleryImage[], classes: string[], colors: [number, number, number][]}} gallery `classes` are the
 *   classes in the legend; if empty, there is no legend and each object has its own colour
 */
function showGallery({images, classes, colors}) {
  const slider = /** @type {HTMLInputElement} */ (document.querySelector('#threshold'));
  const shown = /** @type {HTMLOutputElement} */ (document.querySelector('#threshold-value'));
  const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('.switch button'));
  const figures = document.querySelectorAll('.gallery figure');
  let view = /** @type {View} */ ('found');
  /** @type {(object: GalleryObject, index: number) => [number, number, number]} */
  const colorOf = ({name}, index) =>
    colors[(classes.length > 0 ? classes.indexOf(name) : index) % colors.length] ?? [0, 114, 178];

  const drawings = images.map((image, index) => {
    const canvas = /** @type {HTMLCanvasElement} */ (figures[index]?.querySelector('canvas'));
    const count = /** @type {HTMLElement} */ (figures[index]?.querySelector('.count'));
    const picture = new Image();
    const ready = new Promise((resolve) => {
      picture.onload = resolve;
    });
    picture.src = image.picture;
    const paint = (/** @type {GalleryObject[]} */ objects) =>
      objects.map((object, i) => paintObject(object, colorOf(object, i)));
    /** @type {{truth: Layer[], found: Layer[]} | undefined} painted on first use */
    let layers;
    /** The visible objects, best first. */
    const visible = () => {
      if (view === 'image' || layers === undefined) return [];
      return layers[view].filter(({object}) => (object.score ?? 1) >= Number(slider.value));
    };
    const draw = async () => {
      const found = image.found.filter(({score = 1}) => score >= Number(slider.value));
      count.textContent = `${found.length} found, ${image.truth.length} true`;
      await ready;
      layers ??= {truth: paint(image.truth), found: paint(image.found)};
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
      context.drawImage(picture, 0, 0, image.width, image.height);
      // Draw in reverse order, so that the best are on top.
      for (const {object, layer} of visible().reverse()) context.drawImage(layer, object.left, object.top);
    };

    const describe = (/** @type {PointerEvent} */ event) => {
      const {left, top, width, height} = canvas.getBoundingClientRect();
      const x = Math.floor(((event.clientX - left) / width) * image.width);
      const y = Math.floor(((event.clientY - top) / height) * image.height);
      const hit = visible().find(({object, inside}) => isInside(object, inside, x, y));
      if (hit === undefined) return [];
      const {name, score} = hit.object;
      return [markedLine(`rgb(${hit.color})`, score === undefined ? name : `${name} ${score.toFixed(2)}`)];
    };
    tellUnderPointer(canvas, describe);
    // Touching cannot hover: on an object, a touch shows its label. Elsewhere it switches between truth and prediction,
    // as a click does.
    let asked = false;
    canvas.addEventListener('pointerdown', (event) => {
      asked = event.pointerType === 'touch' && describe(event).length > 0;
    });
    canvas.addEventListener('click', () => {
      if (!asked) choose(view === 'truth' ? 'found' : 'truth');
    });
    return draw;
  });

  const drawAll = () => {
    hideTip();
    shown.value = Number(slider.value).toFixed(2);
    for (const draw of drawings) void draw();
  };
  /** @param {View} next */
  function choose(next) {
    view = next;
    for (const button of buttons) button.setAttribute('aria-pressed', String(button.value === view));
    drawAll();
  }
  slider.addEventListener('input', drawAll);
  for (const button of buttons) button.addEventListener('click', () => choose(/** @type {View} */ (button.value)));
  choose('found');
}

/**
 * @param {GalleryObject} object
 * @param {Uint8Array} inside
 * @param {number} x in pixels of the picture
 * @param {number} y
 */
function isInside({left, top, width, height}, inside, x, y) {
  const [column, row] = [x - left, y - top];
  return column >= 0 && column < width && row >= 0 && row < height && inside[row * width + column] === 1;
}

/**
 * Paints the object's mask and contour in its colour on a canvas of the size of its rectangle.
 * @param {GalleryObject} object
 * @param {[number, number, number]} color
 * @returns {Layer}
 */
function paintObject(object, color) {
  const {width, height, runs} = object;
  const inside = new Uint8Array(width * height);
  let at = 0;
  for (const [i, run] of runs.split(',').map(Number).entries()) {
    if (i % 2 === 1) inside.fill(1, at, at + run);
    at += run;
  }
  const pixels = new ImageData(width, height);
  for (let i = 0; i < inside.length; i++) {
    if (!inside[i]) continue;
    const x = i % width;
    const isContour =
      x === 0 || x === width - 1 || !inside[i - 1] || !inside[i + 1] || !inside[i - width] || !inside[i + width];
    pixels.data.set([...color, isContour ? 255 : 90], i * 4);
  }
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')?.putImageData(pixels, 0, 0);
  return {object, color, inside, layer: canvas};
}

for (const chart of document.querySelectorAll('.chart')) followPointer(chart);
const gallery = document.querySelector('#gallery');
if (gallery !== null) showGallery(JSON.parse(gallery.textContent ?? ''));
