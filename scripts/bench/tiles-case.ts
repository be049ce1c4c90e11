/** One case of `bench-tiles.ts`, which both sides get as JSON. */
export type TilesCase = {
  /** A TIFF. */
  image: string;
  size: number;
  overlap: number;
  /** A `.safetensors` file with the network, and its resolved options. */
  weights: string;
  options: object;
  precision: 'float32' | 'bfloat16';
  /** Whether to leave out tiles of one colour. */
  skipBlank: boolean;
  /** Whether the peer keeps its maps in channels-last. This package chooses by itself. */
  channelsLast: boolean;
};

/** What a side prints. */
export type TilesReport = {
  tiles: number;
  /** Tiles that were computed in pauses, which `seconds` leaves out. */
  untimed?: number;
  blank: number;
  objects: number;
  /** From the opening of the file to the last object. */
  seconds: number;
  /**
   * The time of a prediction on pixels of one tile, without reading: here the mean of many all through the work, on the
   * other side the median of some before it.
   */
  plainSeconds: number;
  peakMiB: number;
};
