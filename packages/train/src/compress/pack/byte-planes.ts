/** Arrays of unsigned words. */
export type Words = Uint8Array | Uint16Array | Uint32Array;

/**
 * The bytes of words in planes: first the lowest byte of each, then the next. In floats the bytes of signs and exponents,
 * which repeat, come together so; and the order of bytes does not depend on the machine.
 */
export function toPlanes(words: Words): Uint8Array {
  if (words instanceof Uint8Array) return words;
  const { length, BYTES_PER_ELEMENT: width } = words;
  const planes = new Uint8Array(length * width);
  for (let plane = 0; plane < width; plane++)
    for (let i = 0; i < length; i++) planes[plane * length + i] = (words[i] as number) >>> (8 * plane);
  return planes;
}

/** Fills `words` from their planes, of which there are as many as a word has bytes. */
export function fromPlanes<T extends Words>(planes: Uint8Array, words: T): T {
  const { length, BYTES_PER_ELEMENT: width } = words;
  for (let plane = 0; plane < width; plane++)
    for (let i = 0; i < length; i++)
      words[i] = (words[i] as number) | ((planes[plane * length + i] as number) << (8 * plane));
  return words;
}

/** The bits of floats, sharing their memory. */
export function bitsOf(floats: Float32Array): Uint32Array {
  return new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
}
