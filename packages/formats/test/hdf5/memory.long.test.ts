import { openFormat, type Schema } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const schema: Schema = {
  fields: [
    { name: "image", kind: "tensor", dtype: "uint8", shape: [224, 224, 3] },
    { name: "jpeg", kind: "bytes", encoding: "jpeg" },
    { name: "key", kind: "string" },
  ],
};
const SAMPLES = 4000;
const MEBIBYTE = 2 ** 20;

describe("a shard of 980 MiB", () => {
  it.each([SAMPLES, SAMPLES + 1, undefined])(
    "is written in the memory of its buffers (expected samples: %s)",
    async (expected) => {
      const path = join(tempDir(), "large.h5");
      const hdf5 = await openFormat("hdf5");
      const writer = await hdf5.createWriter(path, { schema, expectedSamples: expected });
      const image = new Uint8Array(224 * 224 * 3);
      const jpeg = new Uint8Array(107_000);
      const before = process.memoryUsage();
      let peak = 0;
      const measure = (): void => {
        const { rss, arrayBuffers } = process.memoryUsage();
        peak = Math.max(peak, rss - before.rss, arrayBuffers - before.arrayBuffers);
      };
      for (let n = 0; n < SAMPLES; n++) {
        await writer.write(
          new Map<string, Uint8Array | string>([
            ["image", image.fill(n)],
            ["jpeg", jpeg.fill(n + 1).subarray(0, 107_000 - (n % 3))],
            ["key", `class/${n}.jpg`],
          ]),
        );
        measure();
      }
      await writer.finish();
      measure();
      expect(statSync(path).size).toBeGreaterThan(980 * MEBIBYTE);
      // Buffers of 4 MiB a column, and the HDF5 library with its 32 MiB.
      expect(peak).toBeLessThan(96 * MEBIBYTE);

      const reader = await hdf5.openReader(path);
      for (let row = 0; row < SAMPLES; row += 577) {
        expect((reader.readField(row, "image") as Uint8Array)[row]).toBe(row % 256);
        expect(reader.readField(row, "jpeg")).toHaveLength(107_000 - (row % 3));
        expect(reader.readField(row, "key")).toBe(`class/${row}.jpg`);
      }
      reader.close();
    },
  );
});
