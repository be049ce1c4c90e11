import {csv} from '../basics/csv.js';
import type {EpochRecord, History, StepRecord} from './history.js';
import {scalars} from './scalars.js';

/**
 * results.csv: one row per epoch (RFC 4180). `epoch` counts from 1. `steps` is the number of steps since the start of
 * the run. `lr` is the learning rate of the epoch's last step. Losses are means over the epoch's steps. Validation
 * metrics follow by path, and are empty if the epoch was not evaluated.
 */
export function resultsCsv({steps, epochs}: History): string {
  const stepsOf = new Map<number, StepRecord[]>();
  for (const step of steps) {
    const others = stepsOf.get(step.epoch);
    if (others === undefined) stepsOf.set(step.epoch, [step]);
    else others.push(step);
  }
  const rows = epochs.map((epoch) => new Map(cells(epoch, stepsOf.get(epoch.epoch) ?? [])));
  if (rows.length === 0) return '';
  const columns = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  return csv([columns, ...rows.map((row) => columns.map((column) => row.get(column)))]);
}

function cells(
  {epoch, loss, seconds, validation, ...more}: EpochRecord,
  steps: readonly StepRecord[],
): [column: string, value: number | ''][] {
  const last = steps.at(-1);
  const losses = Object.keys(last?.losses ?? {}) as (keyof StepRecord['losses'])[];
  return [
    ['epoch', epoch + 1],
    ['steps', last === undefined ? '' : last.step + 1],
    ['seconds', seconds],
    ['lr', last?.lr ?? ''],
    ['loss', loss],
    ...losses.map((name): [string, number] => [name, finiteMean(steps.map((step) => step.losses[name]))]),
    ...scalars(more),
    ...scalars(validation),
  ];
}

function finiteMean(values: readonly number[]): number {
  const finite = values.filter(Number.isFinite);
  return finite.reduce((sum, value) => sum + value, 0) / finite.length;
}
