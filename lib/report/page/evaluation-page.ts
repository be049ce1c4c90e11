import {count} from '../../basics/wording.js';
import {escapeMarkup} from '../../draw/canvas.js';
import type {CocoScores} from '../../evaluation/coco-scores.js';
import type {Evaluation} from '../../evaluation/evaluation.js';
import {headlines} from '../../run/headlines.js';
import {meaningOf} from '../score-meanings.js';
import {countTable} from './count-table.js';
import {documentHtml, tableHtml} from './document.js';
import {explained} from './explained.js';
import {type Gallery, galleryHtml} from './gallery-html.js';
import {evaluationTable} from './metrics-table.js';

export type EvaluationPage = {
  title: string;
  scores: Evaluation;
  scoreThreshold: number;
  /** Number of views of each image. */
  views: number;
  /** Charts as SVG. */
  precisionRecall: string;
  confusion: string;
  gallery?: Gallery;
};

/** The page of an evaluation as one self-contained HTML file, in the style of a run's. */
export function evaluationPageHtml(page: EvaluationPage): Promise<string> {
  const {title, scores, scoreThreshold, views, precisionRecall, confusion, gallery} = page;
  const {images} = scores.pixel;
  const facts = [`${count(images, 'image')}.`, ...(views > 1 ? [`Mean over ${views} views of each image.`] : [])];
  const cards = headlines(scores).map(
    ({name, value, path}) =>
      `<li>${explained(name, meaningOf(path))}<strong>${value.toFixed(3)}</strong><span class="soft">${wayOf(path)}</span></li>`,
  );
  const counts = countTable(scores.counts, {of: `all ${count(images, 'image')}`, scoreThreshold});
  const body = `<p class="soft">${facts.join(' ')} All but AP are of the detections with a score above ${scoreThreshold}; AP is of all. Point at a name for its meaning.</p>
<ul class="headlines">
${cards.join('\n')}
</ul>
<h2>Classes</h2>
<div class="chart">${precisionRecall}</div>
${classTable(scores.segm ?? scores.bbox)}
<h2>Which class is taken for which</h2>
<div class="picture">${confusion}</div>
<h2>Scores</h2>
${evaluationTable(scores)}
${gallery === undefined ? counts : galleryHtml(gallery)}`;
  return documentHtml({title, body});
}

/** How the images become one score. */
function wayOf(path: readonly string[]): string {
  return path.includes('mean') ? 'mean over images' : path.includes('pooled') ? 'all images together' : 'all images';
}

const COLUMNS = [
  ['AP', 'ap'],
  ['AP50', 'ap50'],
  ['AP75', 'ap75'],
  ['AR100', 'ar100'],
] as const;

function classTable({classes}: CocoScores): string {
  const headings = COLUMNS.map(([name, score]) => explained(name, meaningOf(['segm', score])));
  const rows = classes.map((scores) => [
    escapeMarkup(scores.name),
    ...COLUMNS.map(([, score]) => scores[score]?.toFixed(3) ?? ''),
  ]);
  return tableHtml(['class', ...headings], rows);
}
