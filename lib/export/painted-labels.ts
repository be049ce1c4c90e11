import {inTurns, rowsInTurns, Turn} from '../basics/turns.js';
import type {NumberedImage} from './annotations.js';
import {croppedObjects} from './crops.js';
import {LOSSES} from './losses.js';

/**
 * The number of the object that each pixel belongs to, row by row: 0 for none, 1 for the first object. Of several, the
 * smallest object gets the pixel, so that what lies inside another stays visible; of equal ones, the first. Counts the
 * pixels that objects lose, and objects that no pixel is left of.
 */
export async function paintedLabels(image: NumberedImage): Promise<Uint32Array> {
  const {width, height} = image;
  const labels = new Uint32Array(width * height);
  const areas = new Float64Array(image.objects.length + 1);
  const turn = new Turn();
  // The areas of the masks: those of the annotators may be of something else.
  for await (const {id, crop} of croppedObjects(image)) {
    await rowsInTurns(crop.width, crop.height, (y) => addRow(areas, id, crop, y), turn);
  }
  const visible = new Float64Array(areas.length);
  for await (const {id, crop} of croppedObjects({...image, lose() {}})) {
    const {left, top, data} = crop;
    await rowsInTurns(
      crop.width,
      crop.height,
      (y) => {
        let at = (top + y) * width + left;
        for (let i = y * crop.width; i < (y + 1) * crop.width; i++, at++) {
          if (data[i] === 0) continue;
          const other = labels[at]!;
          if (other === 0 || areas[id]! < areas[other]!) labels[at] = id;
        }
      },
      turn,
    );
  }
  await inTurns(
    labels.length,
    (from, to) => {
      for (let i = from; i < to; i++) visible[labels[i]!]!++;
    },
    turn,
  );
  for (const [id, area] of areas.entries()) {
    if (id === 0 || visible[id] === area) continue;
    if (visible[id] === 0) image.lose(LOSSES.covered, id);
    else image.lose(LOSSES.overlaps, id, area - visible[id]!);
  }
  return labels;
}

function addRow(areas: Float64Array, id: number, {width, data}: {width: number; data: Uint8Array}, y: number): void {
  let area = 0;
  for (let i = y * width; i < (y + 1) * width; i++) area += data[i]!;
  areas[id]! += area;
}
