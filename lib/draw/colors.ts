export type Color = readonly [red: number, green: number, blue: number];

/**
 * Okabe and Ito's colours, told apart with any kind of colour vision ("Color Universal Design", 2008), without black, and those
 * first that stand out on the pink and purple of stained tissue.
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

/** The colour of object `index` on a picture. The last of the palette is left out: it is that of stained tissue itself. */
export function colorOf(index: number): Color {
  return PALETTE[index % (PALETTE.length - 1)]!;
}

/** Yellow is too pale for a line on white. */
const LINE_COLORS = [4, 5, 2, 1, 6, 0].map((index) => css(PALETTE[index]!));
/** From the second round of the colours on. */
const DASHES = [undefined, '7 4', '2 3'];
/** How many lines differ. */
export const LINE_STYLES: number = LINE_COLORS.length * DASHES.length;

/** The colour and dashes of line `index` of a diagram, which no other line before `LINE_STYLES` has. */
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
