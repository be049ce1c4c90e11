/**
 * What the OME-XML of an OME-TIFF says of its images: their dimensions, the names of channels, which page is which
 * plane, and the size of a pixel (Open Microscopy Environment, OME-TIFF specification and ome.xsd, 2016-06).
 */
import {SaxesParser} from 'saxes';
import {Turn} from '../basics/turns.js';

/** Numbers of a plane, or of planes, along its three dimensions: channels, slices and frames. */
export type Dimensions = {c: number; z: number; t: number};

/** Pages, one after another, that are planes in the order of the dimensions (an element TiffData). */
export type OmePages = {
  /** The first page. Undefined: all planes, from the first page of the file. */
  page: number | undefined;
  first: Dimensions;
  /** Number of planes. Undefined: one if the page is given, else all. */
  count: number | undefined;
  /** Name of the file, if it is another one. */
  elsewhere: string | undefined;
};

/** An element Pixels. */
export type OmeImage = {
  /** The three dimensions, the fastest first: 'CZT'. */
  order: string;
  /** `c` counts the samples of a pixel, too. */
  size: Dimensions;
  /** Names of the channels, as far as they have one. */
  names: string[];
  pages: OmePages[];
  /** Width and height of a pixel, and their units. */
  pixel: {x: number; xUnit: string; y: number; yUnit: string};
};

/** Characters that are parsed at a time. */
const PART = 1 << 14;

/**
 * The images of an ImageDescription, in their order; none if it is not OME's. `isBroken`: the XML ends early or is
 * damaged, and what was found before is given. Long XML is parsed in turns. Stops after the first `most` images.
 */
export async function omeImages(
  description: string,
  most = Number.POSITIVE_INFINITY,
): Promise<{images: OmeImage[]; isBroken: boolean}> {
  if (!description.includes('<OME') && !description.includes(':OME')) return {images: [], isBroken: false};
  const found = new OmeHandler();
  const parser = new SaxesParser({xmlns: false});
  let isBroken = false;
  parser.on('opentag', ({name, attributes}) => found.open(localName(name), attributes as Record<string, string>));
  parser.on('text', (text) => found.text(text));
  parser.on('closetag', ({name}) => found.close(localName(name)));
  // A file may have broken XML and good pixels.
  parser.on('error', () => {
    isBroken = true;
  });
  const turn = new Turn();
  for (let at = 0; at < description.length && !isBroken && found.images.length <= most; at += PART) {
    if (turn.isOver()) await turn.next();
    parser.write(description.slice(at, at + PART));
  }
  if (!isBroken && found.images.length <= most) parser.close();
  return {images: found.images.slice(0, most), isBroken};
}

const localName = (name: string) => name.slice(name.indexOf(':') + 1);

class OmeHandler {
  readonly images: OmeImage[] = [];
  #file = '';
  /** The text of the element UUID that is open, and the name of its file. */
  #uuid: {text: string; name: string} | undefined;

  open(name: string, attributes: Record<string, string>): void {
    const image = this.images.at(-1);
    if (name === 'OME') this.#file = attributes.UUID ?? '';
    else if (name === 'Pixels') this.images.push(imageOf(attributes));
    else if (name === 'Channel' && attributes.Name !== undefined) image?.names.push(attributes.Name);
    else if (name === 'TiffData') image?.pages.push(pagesOf(attributes));
    else if (name === 'UUID') this.#uuid = {text: '', name: attributes.FileName ?? 'another file'};
  }

  text(text: string): void {
    if (this.#uuid !== undefined) this.#uuid.text += text;
  }

  close(name: string): void {
    if (name !== 'UUID' || this.#uuid === undefined) return;
    const pages = this.images.at(-1)?.pages.at(-1);
    const isOther = this.#file !== '' && this.#uuid.text.trim() !== this.#file;
    if (pages !== undefined && isOther) pages.elsewhere = this.#uuid.name;
    this.#uuid = undefined;
  }
}

function imageOf(attributes: Record<string, string>): OmeImage {
  const {DimensionOrder = 'XYCZT', SizeC = '1', SizeZ = '1', SizeT = '1', ...others} = attributes;
  const {PhysicalSizeX, PhysicalSizeXUnit = 'µm', PhysicalSizeY, PhysicalSizeYUnit = 'µm'} = others;
  return {
    order: DimensionOrder.slice(2),
    size: {c: Number(SizeC), z: Number(SizeZ), t: Number(SizeT)},
    names: [],
    pages: [],
    pixel: {x: Number(PhysicalSizeX), xUnit: PhysicalSizeXUnit, y: Number(PhysicalSizeY), yUnit: PhysicalSizeYUnit},
  };
}

function pagesOf({IFD, FirstC = '0', FirstZ = '0', FirstT = '0', PlaneCount}: Record<string, string>): OmePages {
  return {
    page: IFD === undefined ? undefined : Number(IFD),
    first: {c: Number(FirstC), z: Number(FirstZ), t: Number(FirstT)},
    count: PlaneCount === undefined ? undefined : Number(PlaneCount),
    elsewhere: undefined,
  };
}
