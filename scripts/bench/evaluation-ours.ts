/** Our side of bench-evaluation.ts. Arguments: TRUTH RESULTS. Prints a report as JSON. */

import type {CocoScores} from '../../lib/evaluation/coco-scores.js';
import {readResults} from '../../lib/evaluation/results-file.js';
import {ScoredData} from '../../lib/evaluation/scored-data.js';
import {Coco} from '../../lib/index.js';

const [truthFile, resultsFile] = process.argv.slice(2) as [string, string];
const seconds = () => performance.now() / 1000;

const began = seconds();
const data = await Coco.open(truthFile);
const scored = new ScoredData(data);
for (let index = 0; index < data.length; index++) await scored.add(index, () => data.get(index));
const {detected} = await readResults(resultsFile, data, (image) => scored.sizeOf(image));
const loaded = seconds();
const bbox = (await scored.score(detected, 'box')).scores;
const boxed = seconds();
const segm = (await scored.score(detected, 'mask')).scores;
const done = seconds();

const list = (scores: CocoScores) =>
  [
    ...([scores.ap, scores.ap50, scores.ap75, scores.apSmall, scores.apMedium, scores.apLarge] as const),
    ...([scores.ar1, scores.ar10, scores.ar100, scores.arSmall, scores.arMedium, scores.arLarge] as const),
  ].map((score) => score ?? -1);
console.log(
  JSON.stringify({
    load: loaded - began,
    bbox: boxed - loaded,
    segm: done - boxed,
    peak: process.resourceUsage().maxRSS / 1024,
    scores: {bbox: list(bbox), segm: list(segm)},
  }),
);
