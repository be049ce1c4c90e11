// Runs the model beside the page, which stays responsive meanwhile.
import {loadOnnx} from './maskrcnn/onnx-runtime/index.js';
import * as ort from './ort/ort.wasm.min.mjs';

ort.env.wasm.wasmPaths = new URL('./ort/', import.meta.url).href;

let model;

const tasks = {
  async load({bytes}) {
    await model?.dispose();
    model = await loadOnnx(bytes, {ort});
    return {classes: model.classes, scoreThreshold: model.description.scoreThreshold};
  },
  async predict({source}) {
    const image = source instanceof Blob ? await createImageBitmap(source, {imageOrientation: 'from-image'}) : source;
    return model.predict(pixelsOf(image));
  },
};

function pixelsOf(image) {
  const {width, height} = image;
  const copy = new OffscreenCanvas(width, height).getContext('2d', {willReadFrequently: true});
  copy.drawImage(image, 0, 0);
  image.close();
  return copy.getImageData(0, 0, width, height);
}

addEventListener('message', async ({data: {id, task, ...input}}) => {
  try {
    postMessage({id, result: await tasks[task](input)});
  } catch (error) {
    postMessage({id, problem: error instanceof Error ? error.message : String(error)});
  }
});
