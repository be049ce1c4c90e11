/**
 * The browser part of a run's report: the gallery, and its figures at the threshold of the slider. It is copied into
 * the page behind report.js, whose functions it uses. So the page loads nothing.
 *
 * @typedef {import('./gallery.js').GalleryImage} GalleryImage
 * @typedef {import('./gallery.js').GalleryObject} GalleryObject
 * @typedef {'image' | 'truth' | 'found'} View
 * @typedef {{object: GalleryObject, color: [number, number, number], inside: Uint8Array,
 *   layer: HTMLCanvasElement}} Layer
 */

/**
 * @param {{images: GalleryImage[], classes: string[], colors: [number, number, number][], threshold: number}} gallery
 *   `classes` are the classes in the legend; if empty, there is no legend and each object has its own colour;
 *   `threshold` is the score that detections must exceed at first, which the steps of the slider may not have
 */
function showGallery({images, classes, colors, threshold}) {
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
    const figure = /** @type {HTMLElement} */ (figures[index]);
    const picture = new Image();
    const ready = new Promise((resolve) => {
      picture.onload = resolve;
    });
    picture.src = image.picture;
    const paint = (/** @type {GalleryObject[]} */ objects) =>
      objects.flatMap((object, i) => (object.runs === '' ? [] : [paintObject(object, colorOf(object, i))]));
    /** @type {{truth: Layer[], found: Layer[]} | undefined} painted on first use */
    let layers;
    /** The visible objects, best first. */
    const visible = () => {
      if (view === 'image' || layers === undefined) return [];
      return layers[view].filter(({object: {score}}) => score === undefined || score > threshold);
    };
    const draw = async () => {
      showFigures(figure, image, threshold);
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
      const words = score === undefined ? name : `${name} ${score.toFixed(2)}, ${verdictOn(image, hit.object)}`;
      return [markedLine(`rgb(${hit.color})`, words)];
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
    shown.value = String(threshold);
    for (const draw of drawings) void draw();
  };
  /** @param {View} next */
  function choose(next) {
    view = next;
    for (const button of buttons) button.setAttribute('aria-pressed', String(button.value === view));
    drawAll();
  }
  slider.addEventListener('input', () => {
    threshold = Number(slider.value);
    drawAll();
  });
  for (const button of buttons) button.addEventListener('click', () => choose(/** @type {View} */ (button.value)));
  choose('found');
}

/**
 * Fills in the figures below a picture. All of them are of the detections with a score above the threshold.
 * @param {HTMLElement} figure
 * @param {GalleryImage} image
 * @param {number} threshold
 */
function showFigures(figure, {truth, found, scores}, threshold) {
  const counted = found.filter(({score = 0}) => score > threshold);
  /** @type {Record<string, number | string | null>} */
  const values = {...scores[counted.length], error: countErrors(truth, counted)};
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (figure.querySelectorAll('[data-figure]'))) {
    const name = place.dataset.figure ?? '';
    const value = values[name] ?? '-';
    const isShare = ['f1', 'precision', 'recall', 'iou'].includes(name) && typeof value === 'number';
    place.textContent = isShare ? value.toFixed(3) : String(value);
  }
}

/**
 * The count error of each class on the image, such as '+1 (3 detected, 2 true)', with the class's name if there are
 * several.
 * @param {GalleryObject[]} truth
 * @param {GalleryObject[]} counted
 */
function countErrors(truth, counted) {
  const names = [...new Set([...truth, ...counted].map(({name}) => name))];
  const numberOf = (/** @type {GalleryObject[]} */ objects, /** @type {string} */ name) =>
    objects.filter((object) => object.name === name).length;
  const errors = names.map((name) => {
    const [detected, annotated] = [numberOf(counted, name), numberOf(truth, name)];
    const error = detected - annotated;
    return `${names.length > 1 ? `${name} ` : ''}${error > 0 ? '+' : ''}${error} (${detected} detected, ${annotated} true)`;
  });
  return errors.length > 0 ? errors.join('; ') : '0';
}

/**
 * What a detection counts as in the object scores.
 * @param {GalleryImage} image
 * @param {GalleryObject} object
 */
function verdictOn({found, scores}, object) {
  const rank = found.indexOf(object);
  const [without, withIt] = [scores[rank], scores[rank + 1]];
  if (without?.dropped !== withIt?.dropped) return 'dropped';
  return without?.truePositives === withIt?.truePositives ? 'false positive' : 'true positive';
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

const gallery = document.querySelector('#gallery');
if (gallery !== null) showGallery(JSON.parse(gallery.textContent ?? ''));
