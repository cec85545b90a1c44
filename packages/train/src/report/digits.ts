/** Three digits and more: `1234`, `56.7`, `0.123`. */
export function digits(value: number): string {
  if (value >= 100 || value === 0) return value.toFixed(0);
  return value >= 1 ? value.toFixed(1) : value.toFixed(3);
}

/**
 * A rate as a page shows it: `12,345`, `56.7`, `no limit` for `Infinity`. Without imports or closures, so that its
 * compiled text runs in the page.
 */
export function rateText(value: number): string {
  if (value === Infinity) return "no limit";
  const fractionDigits = value >= 100 || value === 0 ? 0 : value >= 1 ? 1 : 3;
  return value.toLocaleString("en-US", {
    minimumFractionDigits: fractionDigits,
    maximumFractionDigits: fractionDigits,
  });
}
