import {join} from 'node:path';
import {MaskRcnnError} from '../../basics/errors.js';
import {checkPictureOptions, type PictureOptions} from '../../draw/picture-format.js';
import type {OnTop} from '../../masks/paint-labels.js';
import {refuseFlags} from '../flags.js';
import {type Format, type PredictionOutput, WITHOUT_MASKS} from './output-files.js';

/** Throws INVALID_OPTION for options of something that is not to be written. */
export function outputOptions(options: Record<string, unknown>): PredictionOutput {
  const formats = [options.save ?? ['overlay', 'json']].flat() as Format[];
  const flagsOf = {
    overlay: ['overlayFormat', 'overlayQuality', 'overlayScale'],
    labels: ['onTop'],
    csv: ['micronsPerPixel'],
  } as const;
  const written = formats.map((name): string => (name === 'labels-tiff' ? 'labels' : name));
  for (const [name, flags] of Object.entries(flagsOf)) {
    if (written.includes(name)) continue;
    refuseFlags(options, flags, {
      where: `maskrcnn predict without ${name} in --save`,
      hint: `Add ${name} to --save, or leave the option out.`,
    });
  }
  const {
    overlayFormat = 'png',
    overlayQuality,
    overlayScale = 'auto',
    onTop = 'better',
    micronsPerPixel,
    output,
    overwrite = false,
  } = options;
  const overlay = {
    format: overlayFormat,
    scale: overlayScale,
    ...(overlayQuality !== undefined && {quality: overlayQuality}),
  } as PredictionOutput['overlay'];
  checkPictureOptions(overlay as PictureOptions, 'maskrcnn predict');
  return {
    folder: (output as string | undefined) ?? join('runs', 'predict'),
    formats,
    overlay,
    onTop: onTop as OnTop,
    ...(micronsPerPixel !== undefined && {micronsPerPixel: micronsPerPixel as number}),
    doubt: options.order === 'doubt',
    overwrite: overwrite as boolean,
  };
}

/** Throws INVALID_OPTION if a format needs masks. */
export function refuseMaskFormats(formats: readonly Format[]): void {
  const needing = formats.filter((format) => !WITHOUT_MASKS.includes(format));
  if (needing.length === 0) return;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `Option 'save' of maskrcnn predict must be of ${WITHOUT_MASKS.join(', ')} for a network without masks, got ${needing.join(', ')}.`,
  );
}
