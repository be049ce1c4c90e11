import {MaskRcnnError} from '../basics/errors.js';
import {checkOptions, type Schema, text} from '../basics/schema.js';
import {chartPng, chartSvg, type Line, type Panel} from './chart.js';
import {lineStyle} from './colors.js';

/** The precision-recall curve of one class, or of any other set of detections. */
export type PrecisionRecallCurve = {
  name: string;
  /** Average precision, 0..1. null if there are no objects to find; the curve is then not drawn. */
  ap: number | null;
  /** 101 values: the precision, 0..1, at recall 0, 0.01, ... 1. A value that is negative or not finite leaves a gap. */
  precision: readonly number[];
};

/** Options of `precisionRecallSvg()` and `precisionRecallPng()`. */
export type PrecisionRecallOptions = {
  /** Title above the diagram. Default 'Precision and recall'. */
  title?: string;
};

const SCHEMA: Schema = {title: text};
/** COCO's recall thresholds (`Params.recThrs` of pycocotools). */
const POINTS = 101;
const MOST_NAMED = 10;
const PALE = '#c4c4c4';

/**
 * Draws precision-recall curves as an SVG that needs no fonts. The ten curves with the highest AP are coloured and
 * listed in the legend, best first. The others are grey lines behind them. Throws INVALID_OPTION if a curve does not
 * have 101 values.
 */
export function precisionRecallSvg(
  curves: readonly PrecisionRecallCurve[],
  options: PrecisionRecallOptions = {},
): string {
  checkOptions(options, SCHEMA, 'precisionRecallSvg');
  for (const [i, {name, precision}] of curves.entries()) {
    if (precision.length === POINTS) continue;
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Curve ${i} ('${name}') of precisionRecallSvg must have ${POINTS} values of precision, got ${precision.length}.`,
      {hint: 'They are those at recall 0, 0.01, ... 1, which COCO evaluation interpolates.'},
    );
  }
  const {title = 'Precision and recall'} = options;
  const ranked = curves.toSorted((a, b) => (b.ap ?? -1) - (a.ap ?? -1));
  const named = ranked.slice(0, MOST_NAMED);
  const others = ranked.slice(MOST_NAMED);
  const behind = others.filter(hasObjects).map((curve): Line => ({...line(curve), color: PALE, width: 1}));
  const panel: Panel = {
    title: curves.length === 0 ? `${title} (no curves)` : title,
    unit: 'recall',
    yUnit: 'precision',
    fractions: true,
    height: 440,
    maxX: 1,
    maxY: 1,
    lines: named.filter(hasObjects).map((curve, i): Line => ({...line(curve), ...lineStyle(i), width: 2})),
    behind,
    alsoNamed: [
      ...named.filter((curve) => !hasObjects(curve)).map(({name}) => ({name, note: 'no objects'})),
      ...(others.length === 0 ? [] : [rest(others.length, behind.length > 0)]),
    ],
  };
  return chartSvg(title, [panel]);
}

/** Like `precisionRecallSvg()`, but as PNG. */
export async function precisionRecallPng(
  curves: readonly PrecisionRecallCurve[],
  options: PrecisionRecallOptions = {},
): Promise<Buffer> {
  return chartPng(precisionRecallSvg(curves, options));
}

function hasObjects({ap}: PrecisionRecallCurve): boolean {
  return ap !== null;
}

function line({name, ap, precision}: PrecisionRecallCurve): Pick<Line, 'name' | 'note' | 'points'> {
  return {
    name,
    note: ap === null ? '' : `AP ${ap.toFixed(3)}`,
    points: precision.map((value, i) => [i / (POINTS - 1), value < 0 ? Number.NaN : value]),
  };
}

function rest(count: number, isDrawn: boolean): NonNullable<Panel['alsoNamed']>[number] {
  const name = `and ${count} ${count === 1 ? 'other' : 'others'}`;
  return isDrawn ? {name, note: '', color: PALE} : {name, note: ''};
}
