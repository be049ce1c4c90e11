import {columnsOf, outlinesOf} from './outlines.js';

/** How long the page may be held, in milliseconds. */
const TURN = 20;

/** The detections of an image as objects with outlines, in descending order of score. Works in turns. */
export async function toObjects({boxes, labels, classNames, scores, masks}) {
  const objects = [];
  let began = performance.now();
  for (const [i, score] of scores.entries()) {
    if (performance.now() - began > TURN) {
      await new Promise((resolve) => setTimeout(resolve));
      began = performance.now();
    }
    const object = {
      name: classNames[i],
      score,
      box: Array.from(boxes.subarray(4 * i, 4 * i + 4)),
      color: colorOf(labels[i]),
    };
    if (masks[i] === undefined) {
      objects.push({...object, ...ofBox(object.box)});
    } else {
      const columns = columnsOf(masks[i]);
      objects.push({...object, ...measured(columns), rings: outlinesOf(columns)});
    }
  }
  return objects;
}

/** Area, and [row, column] of the centroid and of the box, as in tables of `maskrcnn`. */
function measured(columns) {
  let [area, rowSum, columnSum] = [0, 0, 0];
  let [top, left, bottom, right] = [Infinity, Infinity, 0, 0];
  for (const [x, rows] of columns.entries()) {
    for (let i = 0; i < rows.length; i += 2) {
      const [from, to] = [rows[i], rows[i + 1]];
      area += to - from;
      rowSum += ((from + to - 1) / 2) * (to - from);
      columnSum += x * (to - from);
      [top, bottom] = [Math.min(top, from), Math.max(bottom, to)];
      [left, right] = [Math.min(left, x), x + 1];
    }
  }
  if (area === 0) return {area, centroid: ['', ''], bounds: ['', '', '', '']};
  return {area, centroid: [rowSum / area, columnSum / area], bounds: [top, left, bottom, right]};
}

/** Without masks, boxes are the outlines. */
function ofBox([x0, y0, x1, y1]) {
  const corners = [
    [x0, y0],
    [x1, y0],
    [x1, y1],
    [x0, y1],
  ];
  return {
    area: Math.round((x1 - x0) * (y1 - y0)),
    centroid: [(y0 + y1 - 1) / 2, (x0 + x1 - 1) / 2],
    bounds: [y0, x0, y1, x1],
    rings: [corners],
  };
}

/** A colour for each class as [r, g, b]. Neighbouring labels have hues far apart. */
function colorOf(label) {
  const hue = (label * 137.5 + 60) % 360; // the golden angle
  const channel = (offset) => {
    const k = (offset + hue / 30) % 12;
    return Math.round(255 * (0.55 - 0.45 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** The longer side of a picture that is large enough for labels, in pixels. */
const LEGIBLE = 700;

/** The longer side of the largest picture on the page: more than screens show of it. */
const SHOWN = 2400;

/** A picture of a bitmap in its full size. A small one is enlarged, so that labels are small beside it. */
export function inFull(bitmap) {
  const {width, height} = bitmap;
  return {picture: bitmap, width, height, scale: Math.max(1, Math.floor(LEGIBLE / Math.max(width, height)))};
}

/** A picture of a bitmap for the page, where a large one is smaller: it is drawn again whenever the slider moves. */
export function asShown(bitmap) {
  const full = inFull(bitmap);
  const scale = SHOWN / Math.max(full.width, full.height);
  if (scale >= 1) return full;
  const copy = new OffscreenCanvas(...sizeOf({...full, scale}));
  const context = copy.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, copy.width, copy.height);
  return {...full, picture: copy.transferToImageBitmap(), scale};
}

const sizeOf = ({width, height, scale}) => [width, height].map((side) => Math.max(1, Math.round(scale * side)));

/** Draws a picture and the objects of its image, whose coordinates are pixels of the image. */
export function draw(canvas, image, objects) {
  const context = canvas.getContext('2d');
  const {picture, scale} = image;
  const longer = Math.max(image.width, image.height);
  [canvas.width, canvas.height] = sizeOf(image);
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  context.scale(scale, scale);
  const unit = Math.max(1 / scale, longer / LEGIBLE);
  context.lineJoin = 'round';
  context.font = `${13 * unit}px system-ui, sans-serif`;
  context.textBaseline = 'top';
  for (const {rings, color} of objects) {
    const path = pathOf(rings, 0.5 / scale);
    context.fillStyle = `rgb(${color.join(' ')} / 0.3)`;
    context.fill(path, 'evenodd');
    context.strokeStyle = `rgb(${color.join(' ')})`;
    context.lineWidth = 2 * unit;
    context.stroke(path);
  }
  // Above all outlines, the likeliest last.
  for (const {name, score, box, color} of objects.toReversed()) {
    const text = `${name} ${score.toFixed(2)}`;
    const width = context.measureText(text).width + 8 * unit;
    const height = 18 * unit;
    const x = Math.max(0, Math.min(box[0], image.width - width));
    const y = Math.max(0, box[1] - height);
    context.fillStyle = `rgb(${color.join(' ')})`;
    context.fillRect(x, y, width, height);
    const [r, g, b] = color;
    context.fillStyle = 0.299 * r + 0.587 * g + 0.114 * b > 140 ? '#000' : '#fff';
    context.fillText(text, x + 4 * unit, y + 2.5 * unit);
  }
}

/** Rings as a path. Corners nearer than `step` to the one before are left out: a smaller picture does not show them. */
function pathOf(rings, step) {
  const path = new Path2D();
  for (const ring of rings) {
    let [lastX, lastY] = [-Infinity, -Infinity];
    for (const [x, y] of ring) {
      if (Math.max(Math.abs(x - lastX), Math.abs(y - lastY)) < step) continue;
      if (lastX === -Infinity) path.moveTo(x, y);
      else path.lineTo(x, y);
      [lastX, lastY] = [x, y];
    }
    path.closePath();
  }
  return path;
}
