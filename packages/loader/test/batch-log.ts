import { bytesOf } from "@millrace/formats";
import type { Batch } from "@millrace/loader";
import { createHash } from "node:crypto";

/** What a batch holds, in one line: place, samples and a hash of every byte. */
export function lineOf(batch: Batch): string {
  const hash = createHash("sha256");
  for (const [name, field] of Object.entries(batch.fields))
    hash.update(`${name} ${field.dtype} ${field.shape.join()} `).update(Uint8Array.from(bytesOf(field.data)));
  return `${batch.epoch}.${batch.step} [${batch.indices.join()}] ${hash.digest("hex").slice(0, 16)}`;
}

/** The lines of all batches that `batches` gives, or of the first `limit`. */
export async function linesOf(batches: AsyncIterable<Batch>, limit = Infinity): Promise<string[]> {
  const lines: string[] = [];
  for await (const batch of batches) {
    lines.push(lineOf(batch));
    if (lines.length === limit) break;
  }
  return lines;
}

/** The sample numbers that `batches` gives, in order. */
export async function samplesOf(batches: AsyncIterable<Batch>): Promise<number[]> {
  const samples: number[] = [];
  for await (const batch of batches) samples.push(...batch.indices);
  return samples;
}
