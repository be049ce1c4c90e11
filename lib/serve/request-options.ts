import {MaskRcnnError} from '../basics/errors.js';
import {fromPlainText} from '../basics/option-text.js';
import {checkOptions, number, oneOf, type Schema, text} from '../basics/schema.js';
import {PIXEL_OPTIONS, type PixelOptions} from '../image/pixel-options.js';
import {LEVEL_OPTIONS} from '../image/regions/large-image.js';
import {ON_TOP, type OnTop} from '../masks/paint-labels.js';
import {DETECTION_OPTIONS, type Views} from '../model/predict-options.js';
import {CUT_OPTIONS} from '../model/tiles/cut-options.js';
import {type AnswerFormat, answerRule} from './options.js';

/** What a request may choose, as parameters of its address or as fields of a form. */
export type RequestOptions = PixelOptions & {
  model?: string;
  /** The name of the image, for tables and messages, where the body is the image itself. */
  name?: string;
  format?: AnswerFormat;
  scoreThreshold?: number;
  maxDetections?: number;
  maskThreshold?: number;
  views?: Views;
  masks?: 'rle' | 'none';
  /** Cuts the image into tiles of this size that overlap by `overlap` pixels. */
  tiles?: number;
  overlap?: number;
  /** Leaves out tiles whose values differ by at most this, or that are empty glass. */
  skipBlank?: number | 'glass';
  /** The level of a pyramid that is cut into tiles, or the size of its pixels in µm. */
  level?: number;
  pixelSize?: number;
  onTop?: OnTop;
  micronsPerPixel?: number;
};

const {scoreThreshold, maxDetections, maskThreshold, views} = DETECTION_OPTIONS;

export const REQUEST_OPTIONS: Schema = {
  model: text,
  name: text,
  format: answerRule,
  scoreThreshold,
  maxDetections,
  maskThreshold,
  views,
  masks: oneOf('rle', 'none'),
  tiles: CUT_OPTIONS.size,
  overlap: CUT_OPTIONS.overlap,
  skipBlank: CUT_OPTIONS.skipBlank,
  level: LEVEL_OPTIONS.level,
  pixelSize: LEVEL_OPTIONS.micronsPerPixel,
  onTop: oneOf(...ON_TOP),
  micronsPerPixel: number({above: 0}),
  ...PIXEL_OPTIONS,
};

/** Characters of a name or value, and how often an option may be given. */
const LONGEST_OPTION = 200;
const MOST_TIMES = 16;

/** The options of a route that reads images only. */
export const READING_OPTIONS: Schema = {model: text, name: text, ...PIXEL_OPTIONS};

/**
 * Reads the options of a request to `where`. `given` holds one text or several for each. Throws INVALID_OPTION.
 */
export function readRequestOptions(
  given: Readonly<Record<string, string | readonly string[]>>,
  {schema, where}: {schema: Schema; where: string},
): RequestOptions {
  const options = Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const texts = [value].flat();
      const longest = Math.max(name.length, ...texts.map(({length}) => length));
      if (longest > LONGEST_OPTION || texts.length > MOST_TIMES) {
        const of = name.slice(0, LONGEST_OPTION);
        throw new MaskRcnnError('INVALID_OPTION', `Option '${of}' of ${where} is longer than any that it takes.`);
      }
      const rule = Object.hasOwn(schema, name) ? schema[name] : undefined;
      return [name, rule === undefined ? value : fromPlainText(texts, rule)];
    }),
  );
  checkOptions(options, schema, where);
  return options;
}
