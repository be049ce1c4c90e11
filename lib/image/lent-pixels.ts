/** Memory of pixels that belongs to this package alone. */
const lent = new WeakSet<ArrayBufferLike>();

/**
 * Says that nobody will change or transfer the pixels of an image any more. So the addon reads them where they are:
 * a copy of a large image would hold the event loop, and take its memory once more.
 */
export function lend<Image extends {data: {buffer: ArrayBufferLike}}>(image: Image): Image {
  lent.add(image.data.buffer);
  return image;
}

/** Whether that was said of these pixels. */
export function isLent({data}: {data: {buffer: ArrayBufferLike}}): boolean {
  return lent.has(data.buffer);
}
