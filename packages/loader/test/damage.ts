import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { MadeDataset } from "./make-dataset.js";

/** Flips one bit in the middle of a sample's pixels, wherever they lie. Returns the shard's path. */
export function damage({ path, pixelsOf }: MadeDataset, sample: number): string {
  for (const name of readdirSync(join(path, "train"))) {
    const file = join(path, "train", name);
    const bytes = readFileSync(file);
    const at = bytes.indexOf(pixelsOf(sample));
    if (at === -1) continue;
    bytes[at + 20]! ^= 1;
    writeFileSync(file, bytes);
    return file;
  }
  return expect.fail(`the pixels of sample ${sample} are in no shard`);
}
