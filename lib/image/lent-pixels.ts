/** Memory of pixels, or of an image file, that belongs to this package alone. */
const lent = new WeakSet<ArrayBufferLike>();

/**
 * Says that nobody else will read, change or transfer these pixels or this file any more. So the addon reads pixels
 * where they are, and a file is decoded where it is, although decoding a TIFF changes it: a copy of a large image would
 * hold the event loop, and take its memory once more.
 */
export function lend<Image extends {data: {buffer: ArrayBufferLike}}>(image: Image): Image {
  lent.add(image.data.buffer);
  return image;
}

/** Whether that was said of these pixels. */
export function isLent({data}: {data: {buffer: ArrayBufferLike}}): boolean {
  return lent.has(data.buffer);
}
