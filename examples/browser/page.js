import {offer, toCsv, toGeoJson, toPng} from './downloads.js';
import {decode, find, note, open, table} from './finder.js';
import {asShown, draw, toObjects} from './objects.js';

const element = (id) => document.getElementById(id);
const [canvas, video, threshold] = ['canvas', 'video', 'threshold'].map(element);

/** What is on the page: the image as a bitmap, how it is shown, its objects, and the name for downloads. */
let shown = nothing();
let classes = [];
/** The number of the last image that was chosen: what comes late for another one is not shown. */
let latest = 0;

function nothing() {
  return {image: undefined, view: undefined, file: undefined, objects: [], name: 'objects'};
}

function say(text, isProblem = false) {
  element('status').textContent = text;
  element('status').classList.toggle('problem', isProblem);
}

/** Tells of an error. What was on the page before would be taken for the result. */
function fail(error) {
  shown = nothing();
  refresh();
  say(error.message.split('\n')[0], true);
}

/** Opens the model, or another one of those that there are. */
async function start(name) {
  const opened = await open((text, share) => {
    element('progress').value = share;
    say(text);
  }, name);
  classes = opened.classes;
  threshold.min = opened.scoreThreshold;
  element('progress').hidden = true;
  showModels(opened.models ?? [], name);
  for (const id of ['image', 'camera']) element(id).disabled = false;
  say(`Ready. Finds ${classes.length > 4 ? `${classes.length} classes` : classes.join(', ')}.`);
}

/** Offers several models. */
function showModels(names, chosen) {
  element('models').hidden = names.length < 2;
  element('model').replaceChildren(...names.map((name) => new Option(name, name, false, name === chosen)));
}

/**
 * Finds the objects of an image and shows them, unless another one than that of `number` has been chosen by then.
 * `file` is the file that it is from, if there is one.
 */
async function show(image, {name, file, number}) {
  const began = performance.now();
  const view = asShown(image);
  const objects = await toObjects(await find({image, file}));
  if (number !== latest) return;
  element('time').textContent = `Found in ${((performance.now() - began) / 1000).toFixed(1)} s.`;
  shown = {image, view, file, objects, name};
  refresh();
}

/** The objects above the threshold of the slider. */
const visible = () => shown.objects.filter(({score}) => score > Number(threshold.value));

function refresh() {
  element('threshold-value').textContent = Number(threshold.value).toFixed(2);
  const isEmpty = shown.image === undefined;
  const objects = visible();
  element('drop').hidden = !isEmpty;
  canvas.hidden = isEmpty;
  if (isEmpty) element('time').textContent = '';
  else draw(canvas, shown.view, objects);
  const rows = classes.flatMap((name) => {
    const ofClass = objects.filter((object) => object.name === name);
    return ofClass.length === 0 ? [] : [rowOf(name, ofClass)];
  });
  document.querySelector('#counts tbody').replaceChildren(...rows);
  element('total').textContent = String(objects.length);
  for (const id of ['csv', 'geojson', 'png']) element(id).disabled = isEmpty;
}

function rowOf(name, objects) {
  const row = document.createElement('tr');
  const swatch = document.createElement('span');
  swatch.className = 'swatch';
  swatch.style.background = `rgb(${objects[0].color.join(' ')})`;
  row.insertCell().append(swatch, name);
  row.insertCell().append(String(objects.length));
  return row;
}

async function openFile(file) {
  if (file === undefined || element('image').disabled) return;
  stopCamera();
  const number = ++latest;
  say(`Looking at ${file.name} …`);
  try {
    const image = await decode(file);
    await show(image, {name: file.name.replace(/\.\w+$/, ''), file, number});
    if (number === latest) say(`${file.name}: ${image.width} × ${image.height} pixels.`);
  } catch (error) {
    if (number === latest) fail(error);
  }
}

/** Looks at the camera, frame after frame, until it is switched off. */
async function startCamera() {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({video: {facingMode: 'environment'}});
  } catch (error) {
    say(`The camera cannot be used: ${error.message}.`, true);
    return;
  }
  video.srcObject = stream;
  await video.play();
  latest++;
  element('camera').textContent = 'Stop the camera';
  say('Looking at the camera.');
  while (video.srcObject === stream) {
    const number = latest;
    try {
      await show(await createImageBitmap(video), {name: 'camera', number});
    } catch (error) {
      if (number !== latest) return;
      stopCamera();
      fail(error);
    }
  }
}

function stopCamera() {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  element('camera').textContent = 'Use the camera';
}

element('image').addEventListener('change', ({target}) => {
  openFile(target.files[0]);
  target.value = ''; // so that the same file can be chosen again
});
element('camera').addEventListener('click', () => (video.srcObject === null ? startCamera() : stopCamera()));
threshold.addEventListener('input', refresh);
element('model').addEventListener('change', async ({target}) => {
  try {
    await start(target.value);
  } catch (error) {
    fail(error);
    return;
  }
  const number = latest;
  const {image, name, file} = shown;
  try {
    if (image !== undefined) await show(image, {name, file, number});
  } catch (error) {
    if (number === latest) fail(error);
  }
});

const stage = element('stage');
for (const type of ['dragenter', 'dragover', 'dragleave', 'drop']) {
  // Anywhere, so that an image that misses its place does not replace the page.
  document.addEventListener(type, (event) => {
    event.preventDefault();
    stage.classList.toggle('over', type === 'dragenter' || type === 'dragover');
    if (type === 'drop') openFile(event.dataTransfer.files[0]);
  });
}

element('csv').addEventListener('click', async ({target}) => {
  const {image, file, name} = shown;
  target.disabled = true;
  try {
    const scoreThreshold = Number(threshold.value);
    const text =
      table === undefined ? toCsv(visible(), file?.name ?? name) : await table({image, file, scoreThreshold});
    offer(`${name}.csv`, text, 'text/csv');
  } catch (error) {
    say(error.message, true);
  } finally {
    target.disabled = shown.image === undefined;
  }
});
element('geojson').addEventListener('click', () =>
  offer(`${shown.name}.geojson`, toGeoJson(visible()), 'application/geo+json'),
);
element('png').addEventListener('click', async () => {
  const {name} = shown;
  try {
    offer(`${name}.png`, await toPng(shown, visible()));
  } catch (error) {
    say(error.message, true);
  }
});

element('note').textContent = note;
start().catch(fail);
