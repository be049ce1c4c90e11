/** A JPEG of one value, for a tile that a file leaves out. */
export type ConstantJpeg = {
  width: number;
  height: number;
  /** Channels of a pixel, 1 to 4. */
  channels: number;
  /** The value of all pixels and channels, 0..255; of YCbCr, that of red, green and blue. */
  value: number;
  isYcbcr: boolean;
  /** Of YCbCr: how many pixels have one colour, in a row and in a column. Else 1. */
  across: number;
  down: number;
};

/** Pixels of a block in a row and in a column. */
const SIDE = 8;
const MIDDLE = 128;
/**
 * The number of all its tables. libtiff reads the common tables of a page once, for all strips, so a strip that defined
 * them again would spoil the strips after it. JPEG files have the numbers 0 and 1, seldom 2.
 */
const TABLE = 3;

/**
 * A baseline JPEG (ITU-T T.81) in which all pixels have exactly one value. A block of equal values has only its mean,
 * 8 × (value - 128). The first block of a channel has it, and all others have a difference of 0 to the one before.
 */
export function constantJpeg({width, height, channels, value, isYcbcr, across, down}: ConstantJpeg): Uint8Array {
  const mean = value - MIDDLE;
  const category = mean === 0 ? 0 : 32 - Math.clz32(Math.abs(mean));
  const perGroup = channels - 1 + across * down;
  const groups = Math.ceil(width / (SIDE * across)) * Math.ceil(height / (SIDE * down));
  const segment = (marker: number, ...bytes: number[]) => [
    ...[0xff, marker],
    ...[(bytes.length + 2) >> 8, (bytes.length + 2) & 255],
    ...bytes,
  ];
  // By their numbers, readers tell red, green and blue from brightness and colours.
  const ids = channels === 3 && !isYcbcr ? [82, 71, 66] : Array.from({length: channels}, (_, i) => i + 1);
  // Code 0 is a difference of 0, and code 10 one of `category` bits. With one of 0, the second is of no use.
  const lengths = (...counts: number[]) => [...counts, ...Array.from({length: 16 - counts.length}, () => 0)];
  const header = [
    ...[0xff, 0xd8],
    ...segment(0xdb, TABLE, ...Array.from({length: SIDE * SIDE}, () => SIDE)), // the means are counted in eights
    ...segment(
      0xc0,
      ...[8, height >> 8, height & 255, width >> 8, width & 255, channels],
      ...ids.flatMap((id, i) => [id, i === 0 ? (across << 4) | down : 0x11, TABLE]),
    ),
    ...segment(0xc4, TABLE, ...lengths(1, 1), 0, category === 0 ? 1 : category),
    ...segment(0xc4, 0x10 | TABLE, ...lengths(1), 0), // code 0 ends a block
    ...segment(0xda, channels, ...ids.flatMap((id) => [id, (TABLE << 4) | TABLE]), 0, 63, 0),
  ];
  const hasMean = (channel: number) => category > 0 && !(isYcbcr && channel > 0);
  let bits = '';
  for (let channel = 0; channel < channels; channel++) {
    const amount = mean < 0 ? mean + 2 ** category - 1 : mean;
    bits += hasMean(channel) ? `10${amount.toString(2).padStart(category, '0')}0` : '00';
    if (channel === 0) bits += '00'.repeat(across * down - 1);
  }
  const total = bits.length + 2 * perGroup * (groups - 1);
  const data = Buffer.alloc(Math.ceil(total / 8));
  for (const [i, bit] of [...bits].entries()) if (bit === '1') data[i >> 3]! |= 128 >> (i & 7);
  // A byte of ones would begin a marker. The first bits of a channel are 10, so eight ones in a row are rare.
  const stuffed = [...data.subarray(0, Math.ceil(bits.length / 8))].flatMap((byte) =>
    byte === 255 ? [255, 0] : [byte],
  );
  return Buffer.concat([
    Buffer.from([...header, ...stuffed]),
    data.subarray(Math.ceil(bits.length / 8)),
    Buffer.from([0xff, 0xd9]),
  ]);
}
