/**
 * Runs `work` for 0..length-1, at most `limit` calls at a time. Returns the results in order. After the first failure,
 * no further call is started, and those under way are waited for: what they do must not follow the caller's tidying.
 */
export async function mapConcurrently<T>(
  length: number,
  limit: number,
  work: (index: number) => Promise<T>,
): Promise<T[]> {
  const results = new Array<T>(length);
  let next = 0;
  let failed = false;
  const lane = async () => {
    while (next < length && !failed) {
      const index = next++;
      try {
        results[index] = await work(index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await allSettled(Array.from({length: Math.min(limit, length)}, lane));
  return results;
}

/** Waits for all of them, and then throws the first failure in their order. */
export async function allSettled(promises: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(promises)) if (outcome.status === 'rejected') throw outcome.reason;
}
