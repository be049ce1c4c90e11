import {cropRle} from './finder.js';
import {outlinesOf} from './outlines.js';

/** The detections of an image as objects with outlines, in descending order of score. */
export function toObjects({boxes, labels, classNames, scores, masks}) {
  return Array.from(scores, (score, i) => {
    const object = {
      name: classNames[i],
      score,
      box: Array.from(boxes.subarray(4 * i, 4 * i + 4)),
      color: colorOf(labels[i]),
    };
    if (masks[i] === undefined) return {...object, ...ofBox(object.box)};
    const crop = cropRle(masks[i]);
    const rings = outlinesOf(crop.bitmap, crop.width, crop.height).map((ring) =>
      ring.map(([x, y]) => [crop.left + x, crop.top + y]),
    );
    return {...object, ...measured(crop), rings};
  });
}

/** Area, and [row, column] of the centroid and of the box, as in tables of `maskrcnn`. */
function measured({bitmap, left, top, width, height}) {
  let [area, rows, columns] = [0, 0, 0];
  for (let at = 0; at < bitmap.length; at++) {
    if (bitmap[at] === 0) continue;
    area++;
    rows += Math.floor(at / width);
    columns += at % width;
  }
  return {
    area,
    centroid: area === 0 ? ['', ''] : [top + rows / area, left + columns / area],
    bounds: area === 0 ? ['', '', '', ''] : [top, left, top + height, left + width],
  };
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

/** Draws an image and its objects. A small image is enlarged, so that labels are small beside it. */
export function draw(canvas, image, objects) {
  const context = canvas.getContext('2d');
  const longer = Math.max(image.width, image.height);
  const scale = Math.max(1, Math.floor(LEGIBLE / longer));
  canvas.width = scale * image.width;
  canvas.height = scale * image.height;
  context.scale(scale, scale);
  context.imageSmoothingEnabled = false;
  context.drawImage(image, 0, 0);
  const unit = Math.max(1 / scale, longer / LEGIBLE);
  context.lineJoin = 'round';
  context.font = `${13 * unit}px system-ui, sans-serif`;
  context.textBaseline = 'top';
  for (const {rings, color} of objects) {
    const path = new Path2D();
    for (const ring of rings) {
      for (const [i, [x, y]] of ring.entries()) {
        if (i === 0) path.moveTo(x, y);
        else path.lineTo(x, y);
      }
      path.closePath();
    }
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
