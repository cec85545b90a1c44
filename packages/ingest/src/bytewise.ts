/** Surrogates, which stand for code points from U+10000 on, sort after U+E000..U+FFFF in UTF-8 but before them in UTF-16. */
function rank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}

/**
 * Compares two well-formed strings as their UTF-8 bytes compare, which is the order of their code points. It is the
 * same on every machine, whatever its locale.
 */
export function compareBytewise(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}
