import {SaxesParser} from 'saxes';
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

/** Length of the side of a pixel of the first page in µm. Undefined if the file does not say it. */
export async function micronsOf(reader: TiffReader, page: DiskPage): Promise<number | undefined> {
  const description = await reader.text(page, TAG.description);
  const perUnit = await reader.first(page, TAG.xResolution, 0);
  const unit = await reader.first(page, TAG.resolutionUnit, 2);
  return (
    usable(ofAperio(description)) ??
    usable(ofOme(description)) ??
    usable(ofImageJ(description, perUnit)) ??
    usable((UNITS[unit] ?? Number.NaN) / perUnit, COARSEST)
  );
}

function usable(microns: number | undefined, most = Number.MAX_VALUE): number | undefined {
  return microns !== undefined && microns > 0 && microns <= most ? microns : undefined;
}

/** Aperio's description is a list of settings: 'Aperio Image Library … |AppMag = 20|MPP = 0.4990|…'. */
function ofAperio(description: string): number | undefined {
  const found = /(?:^|\|)\s*MPP\s*=\s*([\d.eE+-]+)/.exec(description);
  return found === null ? undefined : Number(found[1]);
}

/** OME's description is XML, and the first element <Pixels> is that of the first page. */
function ofOme(description: string): number | undefined {
  if (!description.includes('<OME') && !description.includes(':OME')) return undefined;
  const parser = new SaxesParser({xmlns: false});
  let microns: number | undefined;
  let isFound = false;
  parser.on('opentag', ({name, attributes}) => {
    if (isFound || !/^(\w+:)?Pixels$/.test(name)) return;
    isFound = true;
    const unit = attributes.PhysicalSizeXUnit ?? 'µm';
    microns = Number(attributes.PhysicalSizeX) * (MICRONS[unit] ?? Number.NaN);
  });
  // A file may have broken XML and good pixels.
  parser.on('error', () => {
    isFound = true;
  });
  for (let at = 0; at < description.length && !isFound; at += PART) parser.write(description.slice(at, at + PART));
  return microns;
}

/** Characters that are parsed at a time, so that all of a long description need not be. */
const PART = 1 << 14;

/** ImageJ's description has lines such as 'unit=micron', and the resolution is in pixels per unit. */
function ofImageJ(description: string, perUnit: number): number | undefined {
  if (!description.startsWith('ImageJ=')) return undefined;
  const unit = /^unit=(.*)$/m.exec(description)?.[1]?.trim() ?? '';
  return (MICRONS[unit] ?? Number.NaN) / perUnit;
}
