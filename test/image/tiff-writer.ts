/** Writes one uncompressed strip of grey pixels, little-endian. sharp itself would write raw 16-bit input as 8 bits. */
export function writeTiff(data: Uint16Array | Uint32Array | Float32Array, width: number, height: number): Uint8Array {
  const tags: [tag: number, value: number][] = [
    [256, width],
    [257, height],
    [258, data.BYTES_PER_ELEMENT * 8],
    [259, 1], // not compressed
    [262, 1], // 0 is black
    [273, 8], // offset of the pixels
    [277, 1], // samples per pixel
    [278, height],
    [279, data.byteLength],
    [339, data instanceof Float32Array ? 3 : 1], // sample format: 1 integers, 3 floats
  ];
  const directory = 8 + data.byteLength;
  const bytes = new Uint8Array(directory + 2 + tags.length * 12 + 4);
  const view = new DataView(bytes.buffer);
  bytes.set([0x49, 0x49, 42, 0]);
  view.setUint32(4, directory, true);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 8);
  view.setUint16(directory, tags.length, true);
  for (const [i, [tag, value]] of tags.entries()) {
    const at = directory + 2 + i * 12;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, 4, true); // LONG
    view.setUint32(at + 4, 1, true);
    view.setUint32(at + 8, value, true);
  }
  return bytes;
}
