/**
 * Why a test cannot run here, or `undefined`. With `MILLRACE_REQUIRE=all`, as in CI, a reason to skip is a failure:
 * then this throws.
 */
export function skipReason(available: boolean, what: string, howToGet: string): string | undefined {
  if (available) return undefined;
  const text = `${what} is not available; ${howToGet}`;
  if (process.env["MILLRACE_REQUIRE"] === "all") throw new Error(`MILLRACE_REQUIRE=all: ${text}`);
  return text;
}
