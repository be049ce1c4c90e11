/**
 * Whether `error` is the reason of the aborted `signal`, or was caused by it, as Node's own errors for an abort are. Another one
 * that came after the abort, such as that of a full disk, is a failure that must be told.
 */
export function isInterruption(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  for (let cause = error; cause !== undefined; cause = cause instanceof Error ? cause.cause : undefined) {
    if (cause === signal.reason) return true;
  }
  return false;
}
