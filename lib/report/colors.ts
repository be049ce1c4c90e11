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

export function css([red, green, blue]: Color): string {
  return `rgb(${red},${green},${blue})`;
}

/** Black or white, whichever is easier to read on `color` (relative luminance of WCAG 2, without its gamma). */
export function inkOn([red, green, blue]: Color): string {
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 120 ? '#000' : '#fff';
}
