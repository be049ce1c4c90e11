import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {csv} from '../basics/csv.js';
import {checkOptions, required, text} from '../basics/schema.js';
import type {ComparedScore, EvaluationComparison} from '../evaluation/compare-evaluations.js';
import {writing} from '../files/writing.js';
import {comparisonPageHtml} from './page/comparison-page.js';

/**
 * Writes a comparison to files in `folder`, which is created if necessary: comparison.html, which opens without a
 * server or a network; comparison.json; and scores.csv, classes.csv and images.csv. Throws INVALID_OPTION,
 * WRITE_FAILED.
 */
export async function writeComparison(comparison: EvaluationComparison, {folder}: {folder: string}): Promise<void> {
  checkOptions({folder}, {folder: required(text)}, 'writeComparison()');
  const files = {
    'comparison.html': await comparisonPageHtml(comparison),
    'comparison.json': `${JSON.stringify(comparison, null, 2)}\n`,
    'scores.csv': scoresCsv(
      comparison,
      comparison.scores.map((score) => [score.path.join('.'), score]),
    ),
    'classes.csv': scoresCsv(
      comparison,
      comparison.classes.map((each) => [each.name, each]),
    ),
    'images.csv': imagesCsv(comparison),
  };
  await writing(folder, async () => {
    await mkdir(folder, {recursive: true});
    for (const [name, contents] of Object.entries(files)) await writeFile(join(folder, name), contents);
  });
}

/** One row per score: its values, and the difference of each evaluation from the first one with its interval. */
function scoresCsv({names}: EvaluationComparison, rows: readonly (readonly [name: string, score: ComparedScore])[]) {
  const others = names.slice(1);
  return csv([
    ['name', ...names, ...others.flatMap((name) => [`${name} difference`, `${name} low`, `${name} high`])],
    ...rows.map(([name, {values, differences, intervals}]) => [
      ...[name, ...values],
      ...others.flatMap((_, i) => [differences[i + 1], intervals?.[i + 1]?.low, intervals?.[i + 1]?.high]),
    ]),
  ]);
}

/** One row per image: each score of each evaluation. */
function imagesCsv({names, perImage}: EvaluationComparison): string {
  const scores = ['f1', 'dice', 'iou', 'countError'] as const;
  return csv([
    ['file', ...scores.flatMap((score) => names.map((name) => `${name} ${score}`))],
    ...perImage.map((image) => [image.file, ...scores.flatMap((score) => image[score].values)]),
  ]);
}
