import type {Turn} from '../../basics/turns.js';
import type {InstanceMask} from '../../datasets/dataset.js';
import {pointsOf} from '../rings.js';
import {brushOf} from './label-studio-brush.js';

/** The kinds of regions that hold objects: the results of <PolygonLabels>, <BrushLabels> and <RectangleLabels>. */
export type RegionKind = 'polygon' | 'brush' | 'rectangle';

/** A region on an image: the type of the result, and its value. */
type Region = {type: string; value: object};

/** In pixels. */
type Size = {width: number; height: number};

/** What a result says besides its region. */
export type ResultOptions = {
  /** The number of the object on its image. */
  id: number;
  /** The name of the control, and of what it draws on. */
  from: string;
  to: string;
  size: Size;
  /** 0..1. Undefined for objects that people have annotated. */
  score?: number | undefined;
};

/** The decimals of coordinates in percent: a millionth of the width is less than a tenth of a pixel. */
const DECIMALS = 6;

/** A ring of alternating x and y in pixels. */
export function polygonRegion(ring: readonly number[], {width, height}: Size, label: string): Region {
  const points = pointsOf(ring).map(([x, y]) => [percent(x, width), percent(y, height)]);
  return {type: 'polygonlabels', value: {points, closed: true, polygonlabels: [label]}};
}

/** The pixels of a bitmap of its bounding box. */
export async function brushRegion(crop: InstanceMask, size: Size, label: string, turn: Turn): Promise<Region> {
  return {type: 'brushlabels', value: {format: 'rle', rle: await brushOf(crop, size, turn), brushlabels: [label]}};
}

/** `box`: left, top, width, height in pixels. */
export function rectangleRegion(
  box: readonly [number, number, number, number],
  {width, height}: Size,
  label: string,
): Region {
  const [x, y, w, h] = box.map((value, i) => percent(value, i % 2 === 0 ? width : height));
  return {type: 'rectanglelabels', value: {x, y, width: w, height: h, rotation: 0, rectanglelabels: [label]}};
}

/** A region as a result of an annotation or a prediction. */
export function resultOf(region: Region, {id, from, to, size, score}: ResultOptions): object {
  return {
    id: `object-${id}`,
    from_name: from,
    to_name: to,
    original_width: size.width,
    original_height: size.height,
    image_rotation: 0,
    ...(score !== undefined && {score}),
    ...region,
  };
}

/** The score of a whole prediction, by which the tool sorts images: the mean of its objects' scores, 0 without any. */
export function predictionScore(objects: readonly {score?: number | undefined}[]): number {
  return objects.length === 0 ? 0 : objects.reduce((sum, {score}) => sum + (score ?? 0), 0) / objects.length;
}

function percent(value: number, of: number): number {
  return Number(((100 * value) / of).toFixed(DECIMALS));
}
