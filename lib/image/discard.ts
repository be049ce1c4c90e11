/** Memory of decoded numbers or of bytes. */
type Memory = ArrayBufferView<ArrayBufferLike>;

let free: ((memory: Memory) => void) | undefined;

/**
 * Has the memory freed at once that reading an image has used and nothing refers to any more: by `how`, which detaches
 * a buffer. Without it, the garbage collector frees it, which in a process that waits for requests may take long.
 */
export function freeDiscarded(how: (memory: Memory) => void): void {
  free = how;
}

/** Says that nothing reads this memory any more. */
export function discard(memory: Memory): void {
  free?.(memory);
}
