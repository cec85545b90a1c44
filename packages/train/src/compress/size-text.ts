/** A count of bytes in the largest unit that keeps it above 1: `12.3 KiB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return power === 0 ? `${bytes} B` : `${(bytes / 2 ** (10 * power)).toFixed(1)} ${units[power]}`;
}

/** A count with thin groups of three digits, `12,000`. */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** A share as points of a hundred: `0.29`. */
export function pointsText(share: number): string {
  return (100 * share).toFixed(2);
}

/** A time in ms with three digits: `0.123`, `4.56`, `78.9`, `1234`. */
export function msText(ms: number): string {
  if (ms >= 100) return ms.toFixed(0);
  return ms.toPrecision(3);
}

/** A factor: `41x`, `4.1x`, `0.98x`. */
export function factorText(factor: number): string {
  if (!Number.isFinite(factor)) return "";
  return `${factor >= 10 ? factor.toFixed(0) : factor >= 2 ? factor.toFixed(1) : factor.toFixed(2)}x`;
}
