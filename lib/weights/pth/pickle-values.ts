/** What a pickle becomes here: plain data. Lists and tuples are arrays; int is number, or bigint past 2^53. */

/** dict and OrderedDict. `attributes` is what Python keeps in the object's `__dict__`: a state dict's `_metadata`. */
export class PickledDict extends Map<unknown, unknown> {
  attributes: unknown;
}

/** An object of an allowed class that this package has no use for: argparse.Namespace, torch.device. Never executed. */
export class InertObject {
  state: unknown;

  constructor(
    readonly type: string,
    readonly args: readonly unknown[],
  ) {}
}

/** A class or function that a pickle names. `call` makes our value of it; without it, it is a constant. */
export class PickleGlobal {
  constructor(
    readonly name: string,
    readonly call?: (args: readonly unknown[]) => unknown,
  ) {}
}

/** The bytes behind tensors, still in the file. */
export class StorageRef {
  constructor(
    /** `torch.dtype` name, or 'untyped' for bytes. */
    readonly dtype: string,
    readonly key: string,
    /** Elements. */
    readonly length: number,
    /** Where a legacy storage view begins, in elements of the storage `key`. */
    readonly viewOffset: number = 0,
  ) {}
}

/** A tensor whose elements are still in the file. Offset and strides count elements. */
export class TensorRef {
  constructor(
    readonly storage: StorageRef,
    readonly dtype: string,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** A tensor of a kind that no Mask R-CNN has: sparse, quantised, meta. */
export class UnsupportedTensor {
  constructor(readonly kind: string) {}
}

/** The pickle breaks a rule; the message goes on after "has a corrupt pickle: ". */
export class MalformedPickle extends Error {}

/** The pickle goes on past the bytes given. */
export class PickleEnds extends MalformedPickle {}

/** The pickle names something outside the allow-list. */
export class UnsafePickle extends Error {}
