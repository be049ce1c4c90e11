/**
 * The measurements of shape, in the order of the columns of `objectsCsv()`, with the powers of a length that they have:
 * 1 for lengths and positions, 2 for areas, 0 for what has no unit.
 */
export const SHAPE_COLUMNS = {
  area: 2,
  area_convex: 2,
  perimeter: 1,
  'centroid-0': 1,
  'centroid-1': 1,
  'bbox-0': 1,
  'bbox-1': 1,
  'bbox-2': 1,
  'bbox-3': 1,
  axis_major_length: 1,
  axis_minor_length: 1,
  orientation: 0,
  eccentricity: 0,
  solidity: 0,
  extent: 0,
  feret_diameter_max: 1,
  equivalent_diameter_area: 1,
  euler_number: 0,
  parts: 0,
  holes: 0,
  touches_border: 0,
} as const satisfies Record<keyof ShapeMeasurements, 0 | 1 | 2>;

/** The measurements of intensity, of which there is one for each channel. */
export const INTENSITY_COLUMNS = ['intensity_mean', 'intensity_std', 'intensity_min', 'intensity_max'] as const;

/**
 * Measurements of shape, in pixels. Those that scikit-image's `regionprops_table` has, too, have its names and values.
 * An object without pixels has an area of 0 and NaN where nothing can be measured.
 */
export type ShapeMeasurements = {
  /** Number of pixels. */
  area: number;
  /** Number of pixels of the convex hull. */
  area_convex: number;
  /**
   * Length of the border, of holes too, by the weights of Benkrid and Crookes, "Design and FPGA implementation of a
   * perimeter estimator" (2000).
   */
  perimeter: number;
  /** Mean row of the pixels, from 0. */
  'centroid-0': number;
  /** Mean column of the pixels, from 0. */
  'centroid-1': number;
  /** First row of the bounding box. */
  'bbox-0': number;
  /** First column of the bounding box. */
  'bbox-1': number;
  /** The row after the last one of the bounding box. */
  'bbox-2': number;
  /** The column after the last one of the bounding box. */
  'bbox-3': number;
  /** Length of the major axis of the ellipse that has the same second moments. */
  axis_major_length: number;
  /** Length of the minor axis of that ellipse. */
  axis_minor_length: number;
  /**
   * Angle between the vertical and the major axis, counter-clockwise, -π/2..π/2 radians: 0 for an upright object, π/2
   * for a level one. -π/4 for an object without a longer axis.
   */
  orientation: number;
  /** Eccentricity of that ellipse: 0 for a circle, 1 for a line. */
  eccentricity: number;
  /** `area / area_convex`. */
  solidity: number;
  /** `area` divided by the area of the bounding box. */
  extent: number;
  /** The largest distance between two points of the border of the convex hull. */
  feret_diameter_max: number;
  /** Diameter of the circle of the same area: √(4 · area / π). */
  equivalent_diameter_area: number;
  /** `parts - holes`. */
  euler_number: number;
  /** Number of parts. Pixels that touch at a corner are connected (8-connectivity). */
  parts: number;
  /** Number of holes. Their pixels are connected by their sides (4-connectivity). */
  holes: number;
  /** 1 if a pixel lies at the border of the image, else 0. */
  touches_border: number;
};

/** The measurements of an object, as `measure()` gives them. */
export type ObjectMeasurements = ShapeMeasurements & {
  /** 1, 2, ... in the order of the detections: the `id` of `detectionsToJson()` and of a label mask. */
  id: number;
  /** Name of the class. Missing for masks without detections, as is the score. */
  class?: string;
  /** 0..1. */
  score?: number;
} & {
  /** Of the pixels of the object, for each channel from 0. Missing without an image. std divides by their number. */
  [intensity: `intensity_${'mean' | 'std' | 'min' | 'max'}-${number}`]: number;
  /** A length or position in µm, by the name of that in pixels. Missing without `micronsPerPixel`. */
  [length: `${string}_um`]: number;
  /** An area in µm². */
  [area: `${string}_um2`]: number;
};

/**
 * The name of a measurement in µm or µm². Undefined if it has no unit of length.
 */
export function micronName(name: keyof ShapeMeasurements): string | undefined {
  const power = SHAPE_COLUMNS[name];
  return power === 0 ? undefined : `${name}_um${power === 2 ? '2' : ''}`;
}
