import {count} from '../basics/wording.js';

/** Something that a format cannot hold. */
export type LossKind = {
  /** What happens, after a number of several: 'holes were filled'. */
  what: string;
  /** The same, after the number 1: 'hole was filled'. */
  one: string;
  /** The reason, to follow 'because', where 'it' is the format. */
  why: string;
};

/** What was lost of a data set or of detections, because the format cannot hold it. */
export type Loss = LossKind & {
  /** How many there were, such as holes. */
  number: number;
  /** How many objects they belong to, and how many images. */
  objects: number;
  images: number;
  /** The first of them: 'a.png, object 3'. */
  example: string;
};

const ONE_FOR_EACH_PIXEL = 'each of its pixels belongs to one object';

export const LOSSES = {
  holes: kind('hole', 'filled', 'its polygons have no holes'),
  parts: kind(
    'gap between parts',
    'bridged by a line without width',
    'its objects are single polygons',
    'gaps between parts',
  ),
  crowds: kind('crowd region', 'left out', 'each of its objects is one object'),
  boxes: kind(
    'object of which only the box is known',
    'left out',
    'its objects are shapes',
    'objects of which only the boxes are known',
  ),
  unused: kind('class without objects', 'left out', 'it has no list of classes', 'classes without objects'),
  scores: kind('score', 'left out', 'it has no place for scores'),
  classes: {what: 'objects lost their class', one: 'object lost its class', why: 'its objects have no class'},
  empty: kind('object without a pixel', 'left out', 'it has no empty shapes', 'objects without a pixel'),
  overlaps: kind('pixel of an overlap', 'given to another object', ONE_FOR_EACH_PIXEL, 'pixels of overlaps'),
  covered: kind('object that others cover', 'left out', ONE_FOR_EACH_PIXEL, 'objects that others cover'),
  turned: {
    what: 'photos have objects in the wrong place for programs that turn photos by their EXIF orientation',
    one: 'photo has objects in the wrong place for programs that turn photos by their EXIF orientation',
    why: 'they were annotated as stored; save the photos turned first, and convert again',
  },
  renamed: kind('image', 'renamed', 'another image of the same name is in the same folder'),
} as const satisfies Record<string, LossKind>;

/** Adds up what is lost, over all images. */
export class Losses {
  readonly #byWhat = new Map<string, Loss>();

  /** Adds what is lost on one image: of each kind, the number by object. Object 0 is the image itself. */
  add(image: string, lost: ReadonlyMap<LossKind, ReadonlyMap<number, number>>): void {
    for (const [kind, byObject] of lost) {
      const [first = 0] = byObject.keys();
      const number = [...byObject.values()].reduce((sum, each) => sum + each, 0);
      const example = first === 0 ? image : `${image}, object ${first}`;
      const known = this.#byWhat.get(kind.what) ?? {...kind, number: 0, objects: 0, images: 0, example};
      known.number += number;
      known.objects += first === 0 ? 0 : byObject.size;
      known.images++;
      this.#byWhat.set(kind.what, known);
    }
  }

  list(): Loss[] {
    return [...this.#byWhat.values()];
  }
}

/**
 * What was lost, as a sentence: 'YOLO: 3 holes were filled in 2 objects on 1 image, because its polygons have no holes.
 * The first: a.png, object 3.'
 */
export function describeLoss(format: string, {what, one, why, number, objects, images, example}: Loss): string {
  // Where each object counts once, their number is said already.
  const inObjects = objects === 0 || objects === number ? '' : ` in ${count(objects, 'object')}`;
  const onImages = objects === 0 ? '' : ` on ${count(images, 'image')}`;
  return `${format}: ${count(number, one, what)}${inObjects}${onImages}, because ${why}. The first: ${example}.`;
}

/** 'holes were filled' and 'hole was filled'. */
function kind(noun: string, fate: string, why: string, plural = `${noun}s`): LossKind {
  return {what: `${plural} were ${fate}`, one: `${noun} was ${fate}`, why};
}
