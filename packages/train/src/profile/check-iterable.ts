import { OptionError } from "@millrace/formats";

/**
 * Checks that the option `loader` can be iterated over.
 * @throws {@link OptionError} if it cannot; it says how to wrap what it found.
 */
export function checkIterable(loader: unknown): void {
  if (isIterable(loader)) return;
  throw new OptionError({
    option: "loader",
    problem: "cannot be iterated over",
    expected: "an object with a method [Symbol.asyncIterator] or [Symbol.iterator]",
    found: kindOf(loader),
    fix: wayOut(loader),
  });
}

function isIterable(value: unknown): boolean {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return false;
  const { [Symbol.asyncIterator]: begin, [Symbol.iterator]: beginSync } = value as Partial<
    AsyncIterable<unknown> & Iterable<unknown>
  >;
  return typeof (Symbol.asyncIterator in value ? begin : beginSync) === "function";
}

function kindOf(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object" || value === null) return String(value);
  const { name } = (value.constructor ?? {}) as { readonly name?: unknown };
  return typeof name === "string" && name !== "" ? `an object of the class ${name}` : "an object";
}

function wayOut(value: unknown): string {
  if (typeof value === "function") return "give what it returns, or { [Symbol.asyncIterator]: it }";
  const { iterator } = (value ?? {}) as { readonly iterator?: unknown };
  if (typeof iterator !== "function")
    return "give a loader, an array of batches, or { [Symbol.asyncIterator]: batches }";
  return (
    "wrap a Dataset of @tensorflow/tfjs-data: { [Symbol.asyncIterator]: batches }, where batches is an async generator " +
    "that yields what next() of await dataset.iterator() gives; docs/profile.md has it in ten lines"
  );
}
