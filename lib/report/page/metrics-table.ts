import {escapeMarkup} from '../../draw/canvas.js';
import {BEST_BY, type BestBy, bestEpoch} from '../../run/best.js';
import type {EpochRecord, History} from '../../run/history.js';
import {leaves} from '../../run/scalars.js';
import {meaningOf} from '../score-meanings.js';
import {tableHtml} from './document.js';
import {explained} from './explained.js';

/**
 * A table of all validation metrics of the best and the last evaluated epoch. `options` say which score selected the
 * best one.
 */
export function metricsTable({epochs}: History, options: Readonly<Record<string, unknown>>): string {
  const evaluated = epochs.filter(({validation}) => validation !== null);
  const last = evaluated.at(-1);
  if (last === undefined) return '';
  const bestBy = chosenBy(options);
  const best = bestEpoch(evaluated, bestBy);
  const columns =
    best === last
      ? [{name: `epoch ${last.epoch + 1}, best by ${bestBy} and last`, values: metrics(last)}]
      : [
          ...(best === undefined ? [] : [{name: `epoch ${best.epoch + 1}, best by ${bestBy}`, values: metrics(best)}]),
          {name: `epoch ${last.epoch + 1}, last`, values: metrics(last)},
        ];
  return scoresTable(columns);
}

/** A table of all numbers in an evaluation. */
export function evaluationTable(evaluation: object): string {
  return scoresTable([{name: 'score', values: valuesOf(evaluation)}]);
}

function scoresTable(columns: readonly {name: string; values: ReadonlyMap<string, number>}[]): string {
  const names = [...new Set(columns.flatMap(({values}) => [...values.keys()]))];
  const rows = names.map((name) => [
    explained(name, meaningOf(name.split(' '))),
    ...columns.map(({values}) => format(values.get(name))),
  ]);
  const table = tableHtml(['metric', ...columns.map(({name}) => escapeMarkup(name))], rows);
  return `<details open class="metrics"><summary>All ${names.length} metrics</summary>${table}</details>`;
}

/** The score that `train()` selected by. If the options do not say, this is its default. */
function chosenBy({train}: Readonly<Record<string, unknown>>): BestBy {
  const {bestBy} = (train ?? {}) as {bestBy?: string};
  return bestBy !== undefined && (bestBy === 'loss' || Object.hasOwn(BEST_BY, bestBy)) ? (bestBy as BestBy) : 'iou';
}

function metrics({validation}: EpochRecord): Map<string, number> {
  return valuesOf(validation);
}

function valuesOf(evaluation: object | null): Map<string, number> {
  return new Map(leaves(evaluation).map(([names, value]) => [names.join(' '), value]));
}

function format(value: number | undefined): string {
  if (value === undefined) return '';
  return Number.isInteger(value) ? String(value) : value.toFixed(4);
}
