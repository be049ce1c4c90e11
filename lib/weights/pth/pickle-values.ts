/** The values of a pickle, as plain data. Lists and tuples become arrays. int becomes number, or bigint above 2^53. */

/**
 * dict or OrderedDict. `attributes` is the content of the object's `__dict__` in Python, such as the `_metadata` of a
 * state dict.
 */
export class PickledDict extends Map<unknown, unknown> {
  attributes: unknown;
}

/**
 * An object of an allowed class that this package does not use, such as argparse.Namespace or torch.device. Never
 * executed.
 */
export class InertObject {
  state: unknown;

  constructor(
    readonly type: string,
    readonly args: readonly unknown[],
  ) {}
}

/**
 * A class or function that a pickle refers to. `call` creates the value that stands for its result. Without `call`, it
 * is a constant.
 */
export class PickleGlobal {
  constructor(
    readonly name: string,
    readonly call?: (args: readonly unknown[]) => unknown,
  ) {}
}

/** The storage of tensors, whose bytes are still in the file. */
export class StorageRef {
  constructor(
    /** Name of a `torch.dtype`, or 'untyped' for bytes. */
    readonly dtype: string,
    readonly key: string,
    /** Number of elements. */
    readonly length: number,
    /** Start of a legacy storage view, in elements of the storage `key`. */
    readonly viewOffset: number = 0,
  ) {}
}

/** A tensor whose elements are still in the file. The unit of `offset` and `strides` is one element. */
export class TensorRef {
  constructor(
    readonly storage: StorageRef,
    readonly dtype: string,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** A tensor of a kind that no Mask R-CNN contains: sparse, quantised, meta. */
export class UnsupportedTensor {
  constructor(readonly kind: string) {}
}

/** The pickle is malformed. The message continues "has a corrupt pickle: ". */
export class MalformedPickle extends Error {}

/** The pickle continues beyond the given bytes. */
export class PickleEnds extends MalformedPickle {}

/** The pickle refers to something outside the allow-list. */
export class UnsafePickle extends Error {}
