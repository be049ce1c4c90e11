import type {IdMask} from '../read-mask.js';

/** The ids of a part of a mask. What is right of `width` or below `height` is no part of the image. */
export type LabelBlock = IdMask & {left: number; top: number};

/** Blocks of a row of blocks that are decoded together. */
export type LabelPlace = {column: number; row: number; columns: number; rows: 1};

/** A label mask that is read block by block. */
export type LabelBlocks = {
  readonly width: number;
  readonly height: number;
  /**
   * Where the parts are, which cover the mask, row after row. Decodes the file into a temporary one if it has no parts.
   * Throws INVALID_MASK if it is damaged, and WRITE_FAILED if the temporary folder has too little room.
   */
  places(): Promise<readonly LabelPlace[]>;
  /** The ids at one of `places()`. The same colour has other ids in other parts. Throws INVALID_MASK. */
  read(place: LabelPlace): Promise<LabelBlock>;
  /** Closes the file, and frees the room of the temporary one. */
  close(): Promise<void>;
};
