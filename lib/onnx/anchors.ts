/**
 * The anchors of one cell, [A,4]: for each aspect ratio (height / width) one of each size, around 0 and rounded to
 * whole pixels. In float32, as torchvision's AnchorGenerator computes them.
 */
export function cellAnchors(sizes: readonly number[], aspectRatios: readonly number[]): number[] {
  const {fround} = Math;
  return aspectRatios.flatMap((ratio) => {
    const heightRatio = fround(Math.sqrt(fround(ratio)));
    const widthRatio = fround(1 / heightRatio);
    return sizes.flatMap((size) => {
      const [width, height] = [fround(widthRatio * size), fround(heightRatio * size)];
      return [-width, -height, width, height].map((side) => roundHalfToEven(side / 2));
    });
  });
}

function roundHalfToEven(value: number): number {
  const nearest = Math.round(value);
  const rounded = Math.abs(value % 1) === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
  return rounded + 0; // no -0
}
