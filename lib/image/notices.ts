import {TAG, TiffFile} from './tiff.js';

/** Something that the reader of a file left out. It is no error, but the results may not be what the user expects. */
export type FileNotice = {
  /**
   * 'depth': the lower bits of more than 8. 'pages': all pages or frames after the first. 'orientation': the turn of
   * the EXIF orientation.
   */
  kind: 'depth' | 'pages' | 'orientation';
  /** Name of the file. */
  file: string;
  /** What the file has, to follow its name: 'has 3 pages'. */
  what: string;
  /** Whether the pixels that were read are too dark to see anything. Only for 'depth'. */
  dark?: boolean;
};

/** Largest value of 255 that is told as nearly black: a tenth. */
const NEARLY_BLACK = 25;

/** The notice for an image of 16 bits per sample with values `least` to `most`, of which the upper 8 bits are read. */
export function depthNotice(file: string, least: number, most: number): FileNotice {
  const [from, to] = [least >> 8, most >> 8];
  const dark = to <= NEARLY_BLACK;
  const black = to === 0 ? ', black' : dark ? ', nearly black' : '';
  const what = `has 16 bits per sample, values ${least} to ${most} of 65535: read as ${from} to ${to} of 255${black}`;
  return {kind: 'depth', file, what, dark};
}

/** The notice for a photo whose annotations are of the stored pixels, not of those turned upright. */
export function orientationNotice(file: string, {width, height}: {width: number; height: number}): FileNotice {
  return {kind: 'orientation', file, what: `is annotated as stored, ${width} × ${height}, not upright`};
}

/** The notice for a file of several frames, such as a GIF. None if there is only one. */
export function frameNotices(file: string, frames = 1): FileNotice[] {
  return frames > 1 ? [{kind: 'pages', file, what: `has ${frames} frames`}] : [];
}

/** The most sizes of pages that a notice lists. */
const MOST_SIZES = 4;

/** The notice for a TIFF of several pages. None if there is only one, or if its structure cannot be read. */
export async function pageNotices(file: string, bytes: Uint8Array): Promise<FileNotice[]> {
  const tiff = new TiffFile(bytes);
  const pages = await tiff.pages().catch(() => []);
  if (pages.length < 2) return [];
  const sizes = new Set(pages.map((page) => `${tiff.value(page, TAG.width)} × ${tiff.value(page, TAG.height)}`));
  const [first, ...others] = sizes;
  const what = `has ${pages.length} pages`;
  if (others.length === 0) return [{kind: 'pages', file, what}];
  const listed = [...others.slice(0, MOST_SIZES), ...(others.length > MOST_SIZES ? ['…'] : [])].join(', ');
  return [{kind: 'pages', file, what: `${what} of different sizes, as of a pyramid: ${first}, then ${listed}`}];
}

const MOST_EXAMPLES = 3;

/** One sentence for each kind of notice, with the number of files and up to three of them as examples. */
export function describeNotices(notices: readonly FileNotice[]): string[] {
  const depth = notices.filter(({kind}) => kind === 'depth').sort((a, b) => Number(b.dark) - Number(a.dark));
  const pages = notices.filter(({kind}) => kind === 'pages');
  const orientation = notices.filter(({kind}) => kind === 'orientation');
  const advice = depth.some(({dark}) => dark) ? ' Stretch the values to 8 bits first.' : '';
  const say = (some: readonly FileNotice[], one: string, many: string, end = '') => {
    if (some.length === 0) return [];
    const examples = some.slice(0, MOST_EXAMPLES).map(({file, what}) => `${file} ${what}`);
    const more = some.length > MOST_EXAMPLES ? `; and ${some.length - MOST_EXAMPLES} more` : '';
    const counted = some.length === 1 ? `1 ${one}` : `${some.length} ${many}`;
    return [`${counted}: ${examples.join('; ')}${more}.${end}`];
  };
  return [
    ...say(depth, 'image is read by its upper 8 bits only', 'images are read by their upper 8 bits only', advice),
    ...say(pages, 'file is read by its first page only', 'files are read by their first pages only'),
    ...say(orientation, 'photo is read without its EXIF orientation', 'photos are read without their EXIF orientation'),
  ];
}

/**
 * Returns a function that takes the notices of one file after another and tells each kind of them once, with the file
 * as an example. It is for long runs, which read their files again and again: what is too dark to see should be told
 * before the end. Too dark images are a kind of their own.
 */
export function tellOnce(tell: (sentence: string) => void): (notices: readonly FileNotice[]) => void {
  const told = new Set<string>();
  return (notices) => {
    for (const notice of notices) {
      const kind = notice.dark ? 'dark' : notice.kind;
      if (told.has(kind)) continue;
      told.add(kind).add(notice.kind);
      const [sentence] = describeNotices([notice]);
      tell(`${sentence} Others like it are not told.`);
    }
  };
}

/** The notices of the files of a sample: its image and its masks. */
export function noticesOf({
  image,
  notices = [],
}: {
  image: {notices?: readonly FileNotice[]};
  notices?: readonly FileNotice[];
}): FileNotice[] {
  return [...(image.notices ?? []), ...notices];
}
