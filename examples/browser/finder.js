// Finds objects in this browser. `maskrcnn serve` has a file of this name that asks the server instead.
import {fetchModel} from './model-cache.js';

export const note = 'Nothing leaves this device.';

const worker = new Worker('worker.js', {type: 'module'});
const waiting = new Map();
worker.addEventListener('message', ({data: {id, result, problem}}) => {
  const {resolve, reject} = waiting.get(id);
  waiting.delete(id);
  if (problem === undefined) resolve(result);
  else reject(new Error(problem));
});
worker.addEventListener('error', ({message}) => {
  for (const {reject} of waiting.values()) reject(new Error(`The worker has failed: ${message ?? ''}`));
  waiting.clear();
});

/** Has the worker do a task. */
function ask(task, input, transfer = []) {
  const id = crypto.randomUUID?.() ?? String(Math.random());
  return new Promise((resolve, reject) => {
    waiting.set(id, {resolve, reject});
    worker.postMessage({id, task, ...input}, transfer);
  });
}

/**
 * Opens the model of the address (?model=…), or model.onnx beside the page. `onProgress` gets sentences, and the share
 * of the model that has arrived, 0..1. Returns the class names and the lowest score of the model.
 */
export async function open(onProgress) {
  const url = new URLSearchParams(location.search).get('model') ?? 'model.onnx';
  const bytes = await fetchModel(new URL(url, location.href).href, (share) => {
    onProgress(`Loading the model: ${Math.round(100 * share)} %`, share);
  });
  onProgress('Opening the model …', 1);
  return ask('load', {bytes}, [bytes.buffer]);
}

/** An image file as a bitmap. Throws an Error with a sentence. */
export function decode(file) {
  return createImageBitmap(file, {imageOrientation: 'from-image'}).catch(() => {
    throw new Error(`${file.name} is not an image that this browser can read.`);
  });
}

/** Only a server has a table of its own. */
export const table = undefined;

/** The detections on an image. A file is decoded once more beside the page: copying a large bitmap takes long. */
export function find({image, file}) {
  return ask('predict', {source: file ?? image});
}
