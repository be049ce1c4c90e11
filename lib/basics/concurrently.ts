/**
 * Runs `work` for 0..length-1, at most `limit` calls at a time. Returns the results in order. After the first failure,
 * no further call is started.
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
  await Promise.all(Array.from({length: Math.min(limit, length)}, lane));
  return results;
}
