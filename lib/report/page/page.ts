import {count, formatDuration} from '../../basics/wording.js';
import {escapeMarkup} from '../../draw/canvas.js';
import type {Evaluation} from '../../evaluation/evaluation.js';
import {headlines} from '../../run/headlines.js';
import type {EpochRecord, History} from '../../run/history.js';
import {lossCurveSvg} from '../../run/loss-curves.js';
import {metricCurveSvg} from '../../run/metric-curves.js';
import {meaningOf} from '../score-meanings.js';
import {countTable} from './count-table.js';
import {documentHtml, tableHtml} from './document.js';
import {explained} from './explained.js';
import {type Gallery, galleryHtml} from './gallery-html.js';
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

/** The page of a run as one self-contained HTML file. */
export function pageHtml(content: PageContent): Promise<string> {
  const {title, history, gallery, still} = content;
  const body = `${summary(content)}
<h2>Losses</h2>
<div class="chart">${lossCurveSvg({...history, epochs: []})}</div>
${validationHtml(content)}
<h2>Epochs</h2>
${epochTable(history)}
${gallery === undefined ? stillPicture(still) : galleryHtml(gallery)}
<h2>Options</h2>
${optionTables(content.options)}`;
  return documentHtml({title, body});
}

function summary({history: {steps, epochs}, options}: PageContent): string {
  const seconds = epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
  const facts = `${count(epochs.length, 'epoch')}, ${count(steps.length, 'step')}, ${formatDuration(seconds)}.`;
  const evaluated = epochs.filter(({validation}) => validation !== null);
  const cards = headlines(evaluated.at(-1)?.validation ?? null).map(({name, value, path}) => {
    const best = evaluated.reduce((most, epoch) =>
      (headlineOf(epoch, name) ?? -Infinity) > (headlineOf(most, name) ?? -Infinity) ? epoch : most,
    );
    const highest = headlineOf(best, name) ?? value;
    return `<li>${explained(name, meaningOf(path))}<strong>${value.toFixed(3)}</strong><span class="soft">best ${highest.toFixed(3)} in epoch ${best.epoch + 1}</span></li>`;
  });
  if (cards.length === 0) return `<p class="soft">${facts}</p>`;
  const threshold = validationThreshold(options);
  const above =
    threshold === undefined ? '' : ` All but AP are of the detections with a score above ${threshold}; AP is of all.`;
  return `<p class="soft">${facts} Scores on the validation data, last and best.${above} Point at a name for its meaning.</p>
<ul class="headlines">
${cards.join('\n')}
</ul>`;
}

/** The score threshold that `train()` evaluates with, if the options say it. */
function validationThreshold({train}: PageContent['options']): number | undefined {
  const {scoreThreshold} = (train ?? {}) as {scoreThreshold?: unknown};
  return typeof scoreThreshold === 'number' ? scoreThreshold : undefined;
}

function validationHtml({history, options, gallery}: PageContent): string {
  const last = history.epochs.findLast(({validation}) => validation !== null);
  if (!last?.validation) return '';
  // A gallery has a table of its own, of the weights that it shows. A record of another version may have no counts.
  const {counts} = last.validation as Partial<Evaluation>;
  const isShown = counts !== undefined && gallery === undefined;
  return `<h2>Validation</h2>
<div class="chart">${metricCurveSvg(history)}</div>
${metricsTable(history, options)}
${isShown ? countTable(counts, {of: `${count(counts.images, 'validation image')} in epoch ${last.epoch + 1}`, scoreThreshold: validationThreshold(options)}) : ''}`;
}

function headlineOf({validation}: EpochRecord, name: string): number | undefined {
  return headlines(validation).find((headline) => headline.name === name)?.value;
}

function epochTable({epochs}: History): string {
  const meanings = new Map(
    epochs.flatMap(({validation}) => headlines(validation).map(({name, path}) => [name, meaningOf(path)] as const)),
  );
  const names = [...meanings.keys()];
  const rows = epochs.map((epoch) => [
    String(epoch.epoch + 1),
    Number.isFinite(epoch.loss) ? epoch.loss.toFixed(3) : 'not finite',
    ...names.map((name) => headlineOf(epoch, name)?.toFixed(3) ?? ''),
    formatDuration(epoch.seconds),
  ]);
  const headings = ['epoch', 'loss', ...names, 'time'].map((name) => explained(name, meanings.get(name)));
  return tableHtml(
    headings,
    rows.map((row) => row.map(escapeMarkup)),
  );
}

function stillPicture(still: PageContent['still']): string {
  if (still === undefined) return '';
  return `<h2>Truth beside prediction</h2>
<p class="soft">${escapeMarkup(still.name)}, with the weights of that epoch.</p>
<img class="still" alt="Validation images with their true and predicted objects" src="${still.url}">`;
}

/** One table for each member that is an object, such as model, train and versions. */
export function optionTables(options: Readonly<Record<string, unknown>>): string {
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
