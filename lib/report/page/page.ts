import {readFile} from 'node:fs/promises';
import {count, formatDuration} from '../../basics/wording.js';
import {attribute, escapeMarkup} from '../../draw/canvas.js';
import {colorOf, css, PALETTE} from '../../draw/colors.js';
import {headlines} from '../../run/headlines.js';
import type {EpochRecord, History} from '../../run/history.js';
import {lossCurveSvg} from '../../run/loss-curves.js';
import {metricCurveSvg} from '../../run/metric-curves.js';
import {type GalleryImage, LEAST_SCORE} from './gallery.js';
import {metricsTable} from './metrics-table.js';

export type PageContent = {
  title: string;
  /** The content of options.json. */
  options: Readonly<Record<string, unknown>>;
  history: History;
  /** The predictions of a model, worst images first. */
  gallery?: Gallery;
  /** Without a gallery: the last picture of ground truth next to predictions. */
  still?: {name: string; url: string};
};

type Gallery = {
  images: readonly GalleryImage[];
  /** Number of images in the data set. */
  of: number;
  scoreThreshold: number;
  /** The classes of the data set. */
  classes: readonly string[];
  /** The file of the model's weights, if known. */
  weights?: string;
};

/** The page as one self-contained HTML file. */
export async function pageHtml(content: PageContent): Promise<string> {
  const [style, script] = await Promise.all(['report.css', 'report.js'].map(readPart));
  const {title, history, gallery, still} = content;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeMarkup(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escapeMarkup(title)}</h1>
${summary(history)}
<h2>Losses</h2>
<div class="chart">${lossCurveSvg({...history, epochs: []})}</div>
${history.epochs.some(({validation}) => validation) ? `<h2>Validation</h2>\n<div class="chart">${metricCurveSvg(history)}</div>\n${metricsTable(history, content.options)}` : ''}
<h2>Epochs</h2>
${epochTable(history)}
${gallery === undefined ? stillPicture(still) : galleryHtml(gallery)}
<h2>Options</h2>
${optionTables(content.options)}
<script type="module">${script}</script>
</body>
</html>
`;
}

function readPart(name: string): Promise<string> {
  return readFile(new URL(`./${name}`, import.meta.url), 'utf8');
}

function summary({steps, epochs}: History): string {
  const seconds = epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
  const facts = `${count(epochs.length, 'epoch')}, ${count(steps.length, 'step')}, ${formatDuration(seconds)}.`;
  const evaluated = epochs.filter(({validation}) => validation !== null);
  const cards = headlines(evaluated.at(-1)?.validation ?? null).map(({name, value}) => {
    const best = Math.max(...evaluated.map((epoch) => headlineOf(epoch, name) ?? -Infinity));
    return `<li>${escapeMarkup(name)}<strong>${value.toFixed(3)}</strong><span class="soft">best ${best.toFixed(3)}</span></li>`;
  });
  const list = cards.length === 0 ? '' : `\n<ul class="headlines">\n${cards.join('\n')}\n</ul>`;
  return `<p class="soft">${facts}${cards.length === 0 ? '' : ' Scores on the validation data, last and best:'}</p>${list}`;
}

function headlineOf({validation}: EpochRecord, name: string): number | undefined {
  return headlines(validation).find((headline) => headline.name === name)?.value;
}

function epochTable({epochs}: History): string {
  const names = [...new Set(epochs.flatMap(({validation}) => headlines(validation).map(({name}) => name)))];
  const rows = epochs.map((epoch) => [
    String(epoch.epoch + 1),
    Number.isFinite(epoch.loss) ? epoch.loss.toFixed(3) : 'not finite',
    ...names.map((name) => headlineOf(epoch, name)?.toFixed(3) ?? ''),
    formatDuration(epoch.seconds),
  ]);
  const cells = (tag: 'th' | 'td', row: readonly string[]) =>
    `<tr>${row.map((cell) => `<${tag}>${escapeMarkup(cell)}</${tag}>`).join('')}</tr>`;
  return `<div class="scroll"><table>
<thead>${cells('th', ['epoch', 'loss', ...names, 'time'])}</thead>
<tbody>
${rows.map((row) => cells('td', row)).join('\n')}
</tbody>
</table></div>`;
}

function galleryHtml({images, of, scoreThreshold, classes, weights}: Gallery): string {
  const figures = images.map(
    ({file, width, height, objectF1, pixelIou}) => `<figure>
<canvas width="${width}" height="${height}"></canvas>
<figcaption>${escapeMarkup(file)}<br><span class="soft">${agreement(objectF1, pixelIou)}
above ${scoreThreshold}; <span class="count"></span></span></figcaption>
</figure>`,
  );
  // Escape '<' below: it is the only character that could end the script element.
  const named = classes.length > 1 ? presentClasses(images, classes) : [];
  const colors = PALETTE.slice(0, -1);
  const json = JSON.stringify({images, classes: named, colors}).replaceAll('<', '\\u003c');
  return `<h2>${images.length < of ? `The worst ${images.length} of ${of} images` : 'Images, the worst first'}</h2>
<p class="soft">${weights === undefined ? '' : `The predictions are those of <b>${escapeMarkup(weights)}</b>. `}Point at an object, or touch it, for its class and score.</p>
<div class="controls">
<label>Score from <input id="threshold" type="range" ${attribute('min', String(LEAST_SCORE))} max="1" step="0.01" ${attribute('value', String(scoreThreshold))}> <output id="threshold-value"></output></label>
<span class="switch"><button type="button" value="image">Image</button><button type="button" value="truth">Truth</button><button type="button" value="found">Prediction</button></span>
</div>
${legendHtml(named)}<div class="gallery">
${figures.join('\n')}
</div>
<script type="application/json" id="gallery">${json}</script>`;
}

function agreement(objectF1: number | null, pixelIou: number | null): string {
  if (objectF1 === null || pixelIou === null) return 'no objects, none predicted';
  return `object F1 ${objectF1.toFixed(3)}, pixel IoU ${pixelIou.toFixed(3)}`;
}

/** The classes that occur in the images, in the data set's order. */
function presentClasses(images: readonly GalleryImage[], classes: readonly string[]): string[] {
  const present = new Set(images.flatMap(({truth, found}) => [...truth, ...found].map(({name}) => name)));
  return [...new Set([...classes, ...present])].filter((name) => present.has(name));
}

function legendHtml(classes: readonly string[]): string {
  const items = classes.map((name, i) => `<li><i style="background:${css(colorOf(i))}"></i>${escapeMarkup(name)}</li>`);
  return items.length === 0 ? '' : `<ul class="legend">\n${items.join('\n')}\n</ul>\n`;
}

function stillPicture(still: PageContent['still']): string {
  if (still === undefined) return '';
  return `<h2>Truth beside prediction</h2>
<p class="soft">${escapeMarkup(still.name)}, with the weights of that epoch.</p>
<img class="still" alt="Validation images with their true and predicted objects" src="${still.url}">`;
}

/** One table for each member that is an object, such as model, train and versions. */
function optionTables(options: Readonly<Record<string, unknown>>): string {
  return Object.entries(options)
    .map(([name, value]) => {
      const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
      const rows = (isGroup ? Object.entries(value) : [[name, value]]).map(
        ([key, item]) => `<tr><td>${escapeMarkup(String(key))}</td><td>${escapeMarkup(show(item))}</td></tr>`,
      );
      const open = name === 'versions' ? ' open' : '';
      return `<details${open}><summary>${escapeMarkup(name)}</summary><table class="options">${rows.join('\n')}</table></details>`;
    })
    .join('\n');
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
