import { bytesOf, isMillraceError, type Dtype, type Field, type SampleValue, type TypedArray } from "@millrace/formats";
import { imageHeader } from "@millrace/image";
import { formatBytes, formatCount } from "./table.js";

/** Longest text that is shown whole. */
const SHOWN_TEXT = 60;

/** A value of a sample in a few numbers, as `head --json` prints it. */
export type ValueSummary =
  | { readonly kind: "scalar"; readonly dtype: Dtype; readonly value: number | string; readonly class?: string }
  | {
      readonly kind: "array";
      readonly dtype: Dtype;
      readonly shape: readonly number[];
      /** Of the numbers, without NaN; `null` if there is none. */
      readonly min: number | null;
      readonly max: number | null;
      readonly mean: number | null;
    }
  | {
      readonly kind: "bytes";
      readonly bytes: number;
      /** What the first bytes tell; absent for what is no image. */
      readonly encoding?: string;
      readonly width?: number;
      readonly height?: number;
    }
  | { readonly kind: "text"; readonly text: string };

/** @param classes names for the integers of a field `label`; may be empty */
export function summarizeValue(field: Field, value: SampleValue, classes: readonly string[]): ValueSummary {
  if (typeof value === "string") return { kind: "text", text: value };
  if (field.kind === "bytes") return imageSummary(value as Uint8Array);
  const { dtype } = field as { dtype: Dtype };
  const [data, shape] =
    "shape" in value ? [value.data, value.shape] : [value, field.kind === "tensor" ? field.shape : []];
  if (field.kind === "tensor" && shape.length === 0) {
    const number = numberAt(dtype, data, 0);
    const name = field.name === "label" ? classes[number] : undefined;
    const shown = Number.isFinite(number) && Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : String(data[0]);
    return { kind: "scalar", dtype, value: shown, ...(name === undefined ? {} : { class: name }) };
  }
  return { kind: "array", dtype, shape, ...rangeOf(dtype, data) };
}

function rangeOf(dtype: Dtype, data: TypedArray): { min: number | null; max: number | null; mean: number | null } {
  let [min, max, sum, count] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < data.length; i++) {
    const number = numberAt(dtype, data, i);
    if (Number.isNaN(number)) continue;
    min = Math.min(min, number);
    max = Math.max(max, number);
    sum += number;
    count++;
  }
  return count === 0 ? { min: null, max: null, mean: null } : { min, max, mean: sum / count };
}

function numberAt(dtype: Dtype, data: TypedArray, index: number): number {
  return dtype === "float16" ? float16(data[index] as number) : Number(data[index]);
}

/** The number of the bits of a float16 (IEEE 754, binary16). */
function float16(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

function imageSummary(value: Uint8Array): ValueSummary {
  const bytes = bytesOf(value);
  try {
    const { encoding, width, height } = imageHeader(bytes);
    return { kind: "bytes", bytes: bytes.length, encoding, width, height };
  } catch (error) {
    if (!isMillraceError(error, "IMAGE")) throw error;
    return { kind: "bytes", bytes: bytes.length };
  }
}

/** The summary in a few words: `uint8 [28, 28, 1], 0 to 255, mean 33.3`. */
export function summaryText(summary: ValueSummary): string {
  switch (summary.kind) {
    case "scalar":
      return summary.class === undefined ? String(summary.value) : `${summary.value} (${summary.class})`;
    case "array": {
      const { dtype, shape, min, max, mean } = summary;
      const range =
        min === null || max === null || mean === null ? "" : `, ${brief(min)} to ${brief(max)}, mean ${brief(mean)}`;
      return `${dtype} [${shape.join(", ")}]${range}`;
    }
    case "bytes": {
      const { encoding, width = 0, height = 0 } = summary;
      const size = formatBytes(summary.bytes);
      return encoding === undefined ? size : `${encoding} ${formatCount(width)} x ${formatCount(height)}, ${size}`;
    }
    case "text":
      return summary.text.length > SHOWN_TEXT ? `${summary.text.slice(0, SHOWN_TEXT)}...` : summary.text;
  }
}

/** Five digits are enough to look at. */
function brief(number: number): string {
  return String(Number(number.toPrecision(5)));
}
