import {count} from '../../basics/wording.js';
import {attribute, escapeMarkup} from '../../draw/canvas.js';
import {colorOf, css, PALETTE} from '../../draw/colors.js';
import type {CountSummary} from '../../evaluation/count-errors.js';
import {meaningOf} from '../score-meanings.js';
import {countTable} from './count-table.js';
import {explained} from './explained.js';
import {type GalleryImage, leastScore} from './gallery.js';

/** The predictions of a model, worst images first. */
export type Gallery = {
  images: readonly GalleryImage[];
  /** Number of images in the data set. */
  of: number;
  /** Of all images of the data set, at `scoreThreshold`. */
  counts: CountSummary;
  scoreThreshold: number;
  /** The classes of the data set. */
  classes: readonly string[];
  /** The file of the model's weights, if known. */
  weights?: string;
};

/** The lines below each picture: each term, and its score by group and name. */
const LINES = [
  [
    ['object F1', 'objects', 'f1'],
    ['precision', 'objects', 'precision'],
    ['recall', 'objects', 'recall'],
  ],
  [
    ['true', 'objects', 'truth'],
    ['predicted', 'objects', 'predicted'],
    ['true positives', 'objects', 'truePositives'],
    ['dropped', 'objects', 'dropped'],
  ],
  [['pixel IoU', 'pixel', 'iou']],
  [['count error', 'counts', 'error']],
] as const;

export function galleryHtml({images, of, counts, scoreThreshold, classes, weights}: Gallery): string {
  const figures = images.map(
    ({file, width, height}) => `<figure>
<canvas width="${width}" height="${height}"></canvas>
<figcaption>${escapeMarkup(file)}
${LINES.map(lineHtml).join('\n')}</figcaption>
</figure>`,
  );
  // Escape '<' below: it is the only character that could end the script element.
  const named = classes.length > 1 ? presentClasses(images, classes) : [];
  const colors = PALETTE.slice(0, -1);
  const json = JSON.stringify({images, classes: named, colors, threshold: scoreThreshold}).replaceAll('<', '\\u003c');
  const source = weights === undefined ? '' : `The predictions are those of <b>${escapeMarkup(weights)}</b>. `;
  return `<h2>${images.length < of ? `The worst ${images.length} of ${of} images` : 'Images, the worst first'}</h2>
<p class="soft">${source}The order is that of the object F1 above the score ${scoreThreshold}. The slider changes every figure below a picture. Point at an object, or touch it, for its class and score.</p>
${countTable(counts, {of: `all ${count(of, 'image')}`, scoreThreshold})}
${meaningsHtml()}
<div class="controls">
<label>Score above <input id="threshold" type="range" ${attribute('min', String(leastScore(scoreThreshold)))} max="1" step="0.01" ${attribute('value', String(scoreThreshold))}> <output id="threshold-value"></output></label>
<span class="switch"><button type="button" value="image">Image</button><button type="button" value="truth">Truth</button><button type="button" value="found">Prediction</button></span>
</div>
${legendHtml(named)}<div class="gallery">
${figures.join('\n')}
</div>
<script type="application/json" id="gallery">${json}</script>`;
}

/** A line such as 'object F1 0.667, precision 0.500', whose numbers report-gallery.js fills in. */
function lineHtml(line: (typeof LINES)[number]): string {
  const parts = line.map(([term, group, name]) => {
    const words = explained(term, meaningOf([group, name]), {byKeyboard: false});
    return `${words} <b data-figure="${name}"></b>`;
  });
  return `<div class="soft">${parts.join(', ')}</div>`;
}

/** The meanings once more, for the keyboard: the pictures together have too many terms to stop at each. */
function meaningsHtml(): string {
  const items = LINES.flat().map(
    ([term, group, name]) => `<dt>${term}</dt><dd>${escapeMarkup(meaningOf([group, name])!)}</dd>`,
  );
  return `<details class="meanings"><summary>What the figures below the pictures say</summary><dl>
${items.join('\n')}
</dl></details>`;
}

/** The classes that occur in the images, in the data set's order. */
function presentClasses(images: readonly GalleryImage[], classes: readonly string[]): string[] {
  const present = new Set(images.flatMap(({truth, found}) => [...truth, ...found].map(({name}) => name)));
  return classes.filter((name) => present.has(name));
}

function legendHtml(classes: readonly string[]): string {
  const items = classes.map((name, i) => `<li><i style="background:${css(colorOf(i))}"></i>${escapeMarkup(name)}</li>`);
  return items.length === 0 ? '' : `<ul class="legend">\n${items.join('\n')}\n</ul>\n`;
}
