/** What a batch says of itself. */
export interface Sized {
  readonly size: number;
}

/** Gives batches of ten without end. */
export async function* endless(): AsyncGenerator<Sized> {
  for (;;) yield await Promise.resolve({ size: 10 });
}

/** Gives its batches to the first loop only. */
export function once(): AsyncIterable<Sized> {
  const batches = endless();
  let isFirst = true;
  return {
    [Symbol.asyncIterator]() {
      if (isFirst) {
        isFirst = false;
        return batches;
      }
      return (async function* (): AsyncGenerator<Sized> {})();
    },
  };
}

/** Gives seven batches, then three, then none. */
export function brief(): AsyncIterable<Sized> {
  let left = 10;
  return {
    async *[Symbol.asyncIterator]() {
      for (let n = 0; n < 7 && left > 0; n++) {
        left--;
        yield await Promise.resolve({ size: 10 });
      }
    },
  };
}
