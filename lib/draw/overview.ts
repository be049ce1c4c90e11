import {Turn} from '../basics/turns.js';
import type {RgbImage} from '../image/read-image.js';
import {maskPolygons} from '../masks/outlines.js';
import {type PlacedMask, rectOf} from '../masks/placed-mask.js';
import {attribute, compose} from './canvas.js';
import {colorOf, css} from './colors.js';
import {encodePicture, type PictureOptions} from './picture-format.js';

/** An object to outline, in pixels of the image that the picture is a reduced copy of. */
export type OutlinedObject = {label: number; mask: PlacedMask};

/** Objects that are drawn together: their outlines are text in memory until they are pixels. */
const AT_A_TIME = 2000;

/** Width of an outline in pixels of the picture. */
const STROKE = 1.5;

/**
 * Draws the outlines of objects on a reduced copy of their image, in the colours of their classes. `reduction`: how
 * many pixels of the image a pixel of the picture is wide.
 */
export async function drawOverview(
  picture: RgbImage,
  objects: AsyncIterable<OutlinedObject> | Iterable<OutlinedObject>,
  {reduction, ...format}: PictureOptions & {reduction: number},
): Promise<Buffer> {
  let {data, width, height} = picture;
  let outlines: string[] = [];
  const paint = async () => {
    const image = await compose({data, width, height}, outlines);
    data = new Uint8Array(await image.raw().toBuffer());
    outlines = [];
  };
  const turn = new Turn();
  for await (const object of objects) {
    if (turn.isOver()) await turn.next();
    outlines.push(await outlineOf(object, reduction));
    if (outlines.length === AT_A_TIME) await paint();
  }
  return encodePicture({data, width, height}, outlines, format);
}

async function outlineOf({label, mask}: OutlinedObject, reduction: number): Promise<string> {
  const {left, top} = rectOf(mask);
  const polygons = await maskPolygons(mask.rle, {simplify: reduction / 2});
  const rings = polygons.flatMap(({outer, holes}) => [outer, ...holes]);
  const place = (value: number, start: number) => ((start + value) / reduction).toFixed(1);
  const path = rings.map((ring) => {
    const points = Array.from({length: ring.length / 2}, (_, i) => {
      return `${place(ring[2 * i]!, left)} ${place(ring[2 * i + 1]!, top)}`;
    });
    return `M${points.join('L')}Z`;
  });
  const color = attribute('stroke', css(colorOf(label - 1)));
  return `<path ${attribute('d', path.join(''))} ${color} fill="none" stroke-width="${STROKE}"/>`;
}
