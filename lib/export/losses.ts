import {count} from '../basics/wording.js';

/** Something that a format cannot hold. */
export type LossKind = {
  /** What happens, after a number: 'holes filled'. */
  what: string;
  /** The reason, as a clause. */
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

export const LOSSES = {
  holes: {what: 'holes filled', why: 'its polygons have no holes'},
  parts: {what: 'gaps bridged by a line without width', why: 'its objects are single polygons'},
  crowds: {what: 'crowd regions left out', why: 'each of its objects is one object'},
  boxes: {what: 'boxes left out', why: 'its objects are shapes, and only the box of these is known'},
  unused: {what: 'classes without objects left out', why: 'it has no list of classes'},
  scores: {what: 'scores left out', why: 'it has no place for them'},
  classes: {what: 'classes left out', why: 'its objects have no class'},
  empty: {what: 'objects without a pixel left out', why: 'it has no empty shapes'},
  overlaps: {what: 'pixels given to another object', why: 'each of its pixels belongs to one object'},
  covered: {what: 'objects left out because others cover them', why: 'each of its pixels belongs to one object'},
  turned: {
    what: 'images whose objects are in the wrong place for programs that turn photos by their EXIF orientation',
    why: 'they were annotated as stored; save the photos turned first',
  },
  renamed: {what: 'images renamed', why: 'another image of the same name is in the same folder'},
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

/** What was lost, as a sentence: 'YOLO: 3 holes filled, in 2 objects of 1 image (first: a.png, object 3): …'. */
export function describeLoss(format: string, {what, why, number, objects, images, example}: Loss): string {
  const where = objects === 0 ? '' : `, in ${count(objects, 'object')} of ${count(images, 'image')}`;
  return `${format}: ${number} ${what}${where}, because ${why}. The first: ${example}.`;
}
