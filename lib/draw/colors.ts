export type Color = readonly [red: number, green: number, blue: number];

/**
 * The colours of Okabe and Ito without black ("Color Universal Design", 2008), which people with any kind of colour
 * vision can tell apart. Colours that stand out on the pink and purple of stained tissue come first.
 */
export const PALETTE: readonly Color[] = [
  [86, 180, 233],
  [230, 159, 0],
  [0, 158, 115],
  [240, 228, 66],
  [0, 114, 178],
  [213, 94, 0],
  [204, 121, 167],
];

/**
 * The colour of object `index`. The last colour of the palette is skipped, because stained tissue itself has that
 * colour.
 */
export function colorOf(index: number): Color {
  return PALETTE[index % (PALETTE.length - 1)]!;
}

/** Without yellow, which is too pale for a line on white. */
const LINE_COLORS = [4, 5, 2, 1, 6, 0].map((index) => css(PALETTE[index]!));
/** The dash pattern of each round through the colours. */
const DASHES = [undefined, '7 4', '2 3'];
/** How many lines can be told apart. */
export const LINE_STYLES: number = LINE_COLORS.length * DASHES.length;

/** The colour and dash pattern of line `index` of a diagram. The first `LINE_STYLES` lines all differ. */
export function lineStyle(index: number): {color: string; dash: string | undefined} {
  const round = Math.floor(index / LINE_COLORS.length);
  return {color: LINE_COLORS[index % LINE_COLORS.length]!, dash: DASHES[round % DASHES.length]};
}

export function css([red, green, blue]: Color): string {
  return `rgb(${red},${green},${blue})`;
}

/** Black or white, whichever is easier to read on `color` (relative luminance of WCAG 2, without its gamma). */
export function inkOn([red, green, blue]: Color): string {
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 120 ? '#000' : '#fff';
}
