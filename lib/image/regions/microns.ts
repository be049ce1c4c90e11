import {omeImages} from '../ome.js';
import {TAG} from '../tiff.js';
import type {DiskPage, TiffReader} from './tiff-reader.js';

/** Micrometres of the units of lengths: those of OME (UnitsLength in ome.xsd) and of ImageJ. */
const MICRONS: Readonly<Record<string, number>> = {
  pm: 1e-6,
  Å: 1e-4,
  nm: 1e-3,
  µm: 1,
  μm: 1, // the Greek letter
  um: 1,
  micron: 1,
  microns: 1,
  '\\u00B5m': 1, // as ImageJ writes µm
  mm: 1e3,
  cm: 1e4,
  dm: 1e5,
  m: 1e6,
  thou: 25.4,
  pt: 25_400 / 72,
  in: 25_400,
  inch: 25_400,
};

/** Values of ResolutionUnit (TIFF 6.0, section 8). */
const UNITS: Readonly<Record<number, number>> = {2: 25_400, 3: 10_000};

/**
 * The largest pixel that a resolution tag is believed, in µm: 1270 pixels per inch. What printers and screens leave
 * behind, 72 to 1200 per inch, is coarser, and says nothing of the object in the image.
 */
const COARSEST = 20;

/** Sides of a pixel that differ by this share are taken for equal: 3 %. */
const TOLERANCE = 0.03;

/**
 * Length of the side of a pixel of the first page in µm. Undefined if the file does not say it, or if pixels are not
 * square: one number would make wrong areas of them.
 */
export async function micronsOf(reader: TiffReader, page: DiskPage): Promise<number | undefined> {
  const description = await reader.text(page, TAG.description);
  const perUnit = await reader.first(page, TAG.xResolution, 0);
  const perUnitDown = await reader.first(page, TAG.yResolution, perUnit);
  const unit = await reader.first(page, TAG.resolutionUnit, 2);
  const aperio = ofAperio(description);
  const inTags = (UNITS[unit] ?? Number.NaN) / perUnit;
  const sides =
    usable([aperio, aperio]) ??
    usable(await ofOme(description)) ??
    usable([perUnit, perUnitDown].map((each) => ofImageJ(description, each))) ??
    usable([inTags, (UNITS[unit] ?? Number.NaN) / perUnitDown], COARSEST);
  if (sides === undefined) return undefined;
  const [across, down] = sides;
  return Math.abs(down / across - 1) <= TOLERANCE ? across : undefined;
}

/** Both sides of a pixel. Undefined if the first one is not known. */
function usable(
  [across, down]: readonly (number | undefined)[],
  most = Number.MAX_VALUE,
): [across: number, down: number] | undefined {
  const isUsable = (side: number | undefined) => side !== undefined && side > 0 && side <= most;
  return isUsable(across) ? [across!, isUsable(down) ? down! : across!] : undefined;
}

/** Aperio's description is a list of settings: 'Aperio Image Library … |AppMag = 20|MPP = 0.4990|…'. */
function ofAperio(description: string): number | undefined {
  const found = /(?:^|\|)\s*MPP\s*=\s*([\d.eE+-]+)/.exec(description);
  return found === null ? undefined : Number(found[1]);
}

/** OME's description is XML, and the first element <Pixels> is that of the first page. */
async function ofOme(description: string): Promise<(number | undefined)[]> {
  const [first] = (await omeImages(description, 1)).images;
  if (first === undefined) return [];
  const {x, xUnit, y, yUnit} = first.pixel;
  return [x * (MICRONS[xUnit] ?? Number.NaN), y * (MICRONS[yUnit] ?? Number.NaN)];
}

/** ImageJ's description has lines such as 'unit=micron', and the resolution is in pixels per unit. */
function ofImageJ(description: string, perUnit: number): number | undefined {
  if (!description.startsWith('ImageJ=')) return undefined;
  const unit = /^unit=(.*)$/m.exec(description)?.[1]?.trim() ?? '';
  return (MICRONS[unit] ?? Number.NaN) / perUnit;
}
