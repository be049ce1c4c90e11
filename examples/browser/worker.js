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
  async predict({image}) {
    return model.predict(image);
  },
};

addEventListener('message', async ({data: {id, task, ...input}}) => {
  try {
    postMessage({id, result: await tasks[task](input)});
  } catch (error) {
    postMessage({id, problem: error instanceof Error ? error.message : String(error)});
  }
});
