/**
 * What a run's report does in the browser: values under the pointer, and the gallery. It is written into the page as it stands, so it
 * loads nothing.
 *
 * @typedef {import('./gallery.js').GalleryImage} GalleryImage
 * @typedef {import('./gallery.js').GalleryObject} GalleryObject
 * @typedef {'image' | 'truth' | 'found'} View
 */

/** @param {Element} chart a curve with its frames, as chart.ts draws them */
function followPointer(chart) {
  const svg = /** @type {SVGSVGElement} */ (chart.querySelector('svg'));
  const box = document.createElement('div');
  box.className = 'values';
  box.hidden = true;
  chart.append(box);

  /** @param {PointerEvent} event */
  const show = (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM()?.inverse());
    box.hidden = true;
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
      box.replaceChildren(
        heading,
        ...lines.map((line) => valueLine(line, ((top + height - line.near.y) / height) * maxY)),
      );
      box.hidden = false;
      place(box, event);
    }
  };
  svg.addEventListener('pointermove', show);
  svg.addEventListener('pointerdown', show);
  svg.addEventListener('pointerleave', () => {
    box.hidden = true;
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
 * @param {{name: string, color: string}} line
 * @param {number} value
 */
function valueLine({name, color}, value) {
  const row = document.createElement('div');
  const mark = document.createElement('i');
  mark.style.background = color;
  row.append(mark, `${name} ${value.toPrecision(3)}`);
  return row;
}

/**
 * Beside the pointer, and within the window.
 * @param {HTMLElement} box
 * @param {PointerEvent} event
 */
function place(box, {clientX, clientY}) {
  const {width, height} = box.getBoundingClientRect();
  box.style.left = `${Math.max(0, Math.min(clientX + 14, innerWidth - width - 8))}px`;
  box.style.top = `${Math.max(0, Math.min(clientY + 14, innerHeight - height - 8))}px`;
}

/** @param {{images: GalleryImage[], colors: [number, number, number][]}} gallery */
function showGallery({images, colors}) {
  const slider = /** @type {HTMLInputElement} */ (document.querySelector('#threshold'));
  const shown = /** @type {HTMLOutputElement} */ (document.querySelector('#threshold-value'));
  const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('.switch button'));
  const figures = document.querySelectorAll('.gallery figure');
  let view = /** @type {View} */ ('found');

  const drawings = images.map((image, index) => {
    const canvas = /** @type {HTMLCanvasElement} */ (figures[index]?.querySelector('canvas'));
    const count = /** @type {HTMLElement} */ (figures[index]?.querySelector('.count'));
    const picture = new Image();
    const ready = new Promise((resolve) => {
      picture.onload = resolve;
    });
    picture.src = image.picture;
    const paint = (/** @type {GalleryObject[]} */ objects) =>
      objects.map((object, i) => paintObject(object, colors[i % colors.length]));
    /** @type {{truth: HTMLCanvasElement[], found: HTMLCanvasElement[]} | undefined} painted when first looked at */
    let layers;
    const draw = async () => {
      const threshold = Number(slider.value);
      const found = image.found.filter(({score = 1}) => score >= threshold);
      count.textContent = `${found.length} found, ${image.truth.length} true`;
      await ready;
      layers ??= {truth: paint(image.truth), found: paint(image.found)};
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
      context.drawImage(picture, 0, 0, image.width, image.height);
      if (view === 'image') return;
      const objects = view === 'truth' ? image.truth : image.found;
      // The best lie on top.
      for (const [i, object] of [...objects.entries()].reverse()) {
        const layer = layers[view][i];
        if (layer && (object.score ?? 1) >= threshold) context.drawImage(layer, object.left, object.top);
      }
    };
    canvas.addEventListener('click', () => choose(view === 'truth' ? 'found' : 'truth'));
    return draw;
  });

  const drawAll = () => {
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
 * The object's mask in its colour, with its contour, as large as its rectangle.
 * @param {GalleryObject} object
 * @param {[number, number, number] | undefined} color
 */
function paintObject({width, height, runs}, color = [0, 114, 178]) {
  const inside = new Uint8Array(width * height);
  let at = 0;
  for (const [i, run] of runs.split(',').map(Number).entries()) {
    if (i % 2 === 1) inside.fill(1, at, at + run);
    at += run;
  }
  const layer = new ImageData(width, height);
  for (let i = 0; i < inside.length; i++) {
    if (!inside[i]) continue;
    const x = i % width;
    const isContour =
      x === 0 || x === width - 1 || !inside[i - 1] || !inside[i + 1] || !inside[i - width] || !inside[i + width];
    layer.data.set([...color, isContour ? 255 : 90], i * 4);
  }
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')?.putImageData(layer, 0, 0);
  return canvas;
}

for (const chart of document.querySelectorAll('.chart')) followPointer(chart);
const gallery = document.querySelector('#gallery');
if (gallery !== null) showGallery(JSON.parse(gallery.textContent ?? ''));
