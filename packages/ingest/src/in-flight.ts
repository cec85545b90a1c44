/**
 * Applies an async function to values with up to `limit` of them in flight, and gives the results in the order of the
 * values. After a failure, or when the consumer stops, nothing new is begun and what is in flight is waited for.
 */
export async function* inOrder<T, R>(
  values: Iterable<T>,
  limit: number,
  apply: (value: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const flying: Promise<R>[] = [];
  const start = (value: T): void => {
    const promise = apply(value);
    // The failure of one that is not awaited yet must not count as unhandled.
    promise.catch(() => undefined);
    flying.push(promise);
  };
  try {
    for (const value of values) {
      start(value);
      if (flying.length >= limit) yield await (flying.shift() as Promise<R>);
    }
    for (let next = flying.shift(); next !== undefined; next = flying.shift()) yield await next;
  } finally {
    await Promise.allSettled(flying);
  }
}
