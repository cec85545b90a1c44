/**
 * How many of each class make up `fraction` of all, so that every class gives its share: `floor(count * fraction)`,
 * then one more for the classes with the largest remainders (the method of Hare and Hamilton) until the total is
 * `round(total * fraction)`. A class never gives its last sample.
 * @param counts - samples of each class
 * @param fraction - `0 <= fraction < 1`
 */
export function stratifiedShare(counts: readonly number[], fraction: number): number[] {
  const most = counts.map((count) => Math.max(0, count - 1));
  const shares = counts.map((count, label) => Math.min(most[label] as number, Math.floor(count * fraction)));
  const total = counts.reduce((sum, count) => sum + count, 0);
  let missing = Math.round(total * fraction) - shares.reduce((sum, share) => sum + share, 0);
  const byRemainder = counts
    .map((count, label) => ({ label, remainder: count * fraction - Math.floor(count * fraction) }))
    .toSorted((a, b) => b.remainder - a.remainder || a.label - b.label);
  for (const { label } of byRemainder) {
    if (missing <= 0) break;
    const share = shares[label] as number;
    if (share >= (most[label] as number)) continue;
    shares[label] = share + 1;
    missing--;
  }
  return shares;
}
