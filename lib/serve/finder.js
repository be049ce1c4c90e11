// Asks the server for objects. It takes the place of the finder.js of the example for browsers.
import {askForToken, withToken} from './token-form.js';

export const note = 'It goes to this server only.';

/** The model in use, as the server describes it. */
let model;

/** Fetches from the server. Asks for its token when it needs one. Throws an Error with its sentence. */
async function ask(path, request = {}, onQuestion = () => {}) {
  const headers = withToken({...request.headers});
  const response = await fetch(path, {...request, headers}).catch(() => {
    throw new Error('The server does not answer.');
  });
  if (response.ok) return response;
  const {message, hint} = await response.json().catch(() => ({message: `The server says ${response.status}.`}));
  if (response.status === 401) {
    onQuestion();
    await askForToken(headers);
    return ask(path, request, onQuestion);
  }
  throw new Error(hint === undefined ? message : `${message} ${hint}`);
}

/** Takes the model called `name`, or the first. Returns its class names, its lowest score, and the names of all. */
export async function open(onProgress, name) {
  const {models} = await (await ask('models', {}, () => onProgress('This server needs its token.', 0))).json();
  model = models.find((each) => each.name === name) ?? models[0];
  return {...model, models: models.map((each) => each.name)};
}

/**
 * An image file as a bitmap. It is decoded by the browser, or by the server, which reads more formats. Throws an Error
 * with a sentence.
 */
export async function decode(file) {
  if (file.size === 0) throw new Error(`${file.name} is empty.`);
  try {
    return await createImageBitmap(file, {imageOrientation: 'from-image'});
  } catch {
    const parameters = new URLSearchParams({model: model.name, name: shortened(file.name)});
    const picture = await ask(`image?${parameters}`, {method: 'POST', body: file});
    return createImageBitmap(await picture.blob());
  }
}

/** The detections on an image: a file is sent as it is, a picture of the camera as JPEG. */
export async function find({image, file}) {
  const response = await predict({image, file}, {scoreThreshold: 0, format: 'json'});
  const [{objects}] = (await response.json()).images;
  return {
    boxes: Float32Array.from(objects.flatMap(({box}) => box)),
    labels: Int32Array.from(objects, (object) => model.classes.indexOf(object.class) + 1),
    classNames: objects.map((object) => object.class),
    scores: Float32Array.from(objects, ({score}) => score),
    masks: objects.flatMap(({mask}) => (mask === undefined ? [] : [mask])),
  };
}

/** The table that the server makes, with all measurements of the objects with a score above `scoreThreshold`. */
export async function table({image, file, scoreThreshold}) {
  return (await predict({image, file}, {scoreThreshold, format: 'csv'})).text();
}

async function predict({image, file}, parameters) {
  const body = file ?? (await toJpeg(image));
  const name = file?.name ?? 'The picture of the camera';
  const all = new URLSearchParams({model: model.name, name: shortened(name), ...parameters});
  return ask(`predict?${all}`, {method: 'POST', body});
}

/** The server takes no longer names. */
function shortened(name) {
  return name.length > 100 ? `…${name.slice(-99)}` : name;
}

function toJpeg(image) {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext('2d').drawImage(image, 0, 0);
  return canvas.convertToBlob({type: 'image/jpeg', quality: 0.92});
}
