import {type Binding, loadBinding} from '../addon/binding.js';
import {MaskRcnnError} from '../basics/errors.js';

/** Calls the addon's functions on masks. What they refuse becomes INVALID_MASK. */
export async function inAddon<T>(operation: (binding: Binding) => T | Promise<T>): Promise<T> {
  const binding = await loadBinding();
  try {
    return await operation(binding);
  } catch (cause) {
    if (!(cause instanceof RangeError || cause instanceof TypeError)) throw cause;
    throw new MaskRcnnError('INVALID_MASK', cause.message, {cause});
  }
}
