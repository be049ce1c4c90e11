/** The members of an annotation in COCO's instances files that are used here. */
export type Annotation = {
  id: number;
  image_id: number;
  category_id: number;
  bbox?: unknown;
  area?: unknown;
  iscrowd?: unknown;
  segmentation?: unknown;
};

/** Whether `value` is a COCO id: an integer, which may be 0. */
export function isId(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

/** Whether an annotation has no segmentation: it is only a box, as in half of all exports of Roboflow. */
export function isBoxAlone({segmentation}: Annotation): boolean {
  return (
    segmentation === undefined || segmentation === null || (Array.isArray(segmentation) && segmentation.length === 0)
  );
}

/** Whether an annotation is of a region of many objects. */
export function isCrowd({iscrowd}: Annotation): boolean {
  return iscrowd === 1 || iscrowd === true;
}

/** Parses a box: left, top, width, height. Undefined if `value` is not a box. */
export function toBox(value: unknown): [number, number, number, number] | undefined {
  const isBox = Array.isArray(value) && value.length === 4 && value.every(Number.isFinite);
  return isBox ? (value as [number, number, number, number]) : undefined;
}
