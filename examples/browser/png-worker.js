// Draws an image, a file or a bitmap, in its full size beside the page.
import {draw, inFull} from './objects.js';

addEventListener('message', async ({data: {source, objects}}) => {
  try {
    const bitmap = source instanceof Blob ? await createImageBitmap(source, {imageOrientation: 'from-image'}) : source;
    const canvas = new OffscreenCanvas(1, 1);
    draw(canvas, inFull(bitmap), objects);
    postMessage({png: await canvas.convertToBlob()});
  } catch (error) {
    postMessage({problem: error instanceof Error ? error.message : String(error)});
  }
});
