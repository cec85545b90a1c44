import { openFormat, type Schema } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const schema: Schema = {
  fields: [
    { name: "image", kind: "tensor", dtype: "uint8", shape: [224, 224, 3] },
    { name: "label", kind: "tensor", dtype: "int32", shape: [] },
  ],
};

const SAMPLES = 6000;
const MEBIBYTE = 2 ** 20;

describe("writing a shard of 860 MiB", () => {
  it("takes the memory of a few record batches, as write waits for the file", async () => {
    const path = join(tempDir(), "large.arrow");
    const arrow = await openFormat("arrow");
    const writer = await arrow.createWriter(path, { schema });
    const image = new Uint8Array(224 * 224 * 3);
    const before = process.memoryUsage();
    let peak = 0;
    for (let n = 0; n < SAMPLES; n++) {
      await writer.write(
        new Map<string, Uint8Array | Int32Array>([
          ["image", image.fill(n)],
          ["label", Int32Array.of(n)],
        ]),
      );
      const { rss, arrayBuffers } = process.memoryUsage();
      peak = Math.max(peak, rss - before.rss, arrayBuffers - before.arrayBuffers);
    }
    await writer.finish();
    expect(statSync(path).size).toBeGreaterThan(860 * MEBIBYTE);
    expect(peak).toBeLessThan(96 * MEBIBYTE);

    const reader = await arrow.openReader(path);
    for (let row = 0; row < SAMPLES; row += 577) {
      expect((reader.readField(row, "image") as Uint8Array)[row]).toBe(row % 256);
      expect(reader.readField(row, "label")).toEqual(Int32Array.of(row));
    }
    reader.close();
  });
});
