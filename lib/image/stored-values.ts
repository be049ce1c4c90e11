/**
 * An image file from which a decoder gives the values that a mask stores, because what would change them is gone:
 * palettes, transparent colours, profiles, inverted greys.
 */
export type StoredValues = {
  bytes: Uint8Array;
  /** Stored bits per pixel, or per channel if there are several. Undefined: as the decoder says. */
  bits?: number;
  /** Whether the values are palette indices. */
  palette: boolean;
  /** Number of bits by which the decoder shifts the values up: it scales fewer than 8 bits to 0..255. Default 0. */
  shift?: number;
  /** Whether the values are signed numbers that the decoder takes for unsigned ones. */
  signed?: boolean;
};
