import { openFormat, type Schema } from "@millrace/formats";
import { count, tempDir } from "@millrace/testkit";
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const MEBIBYTE = 2 ** 20;

/** What to write: far more than the memory that it may take. */
const BYTES = count(0.25, 1) * 2 ** 30;

const schemas: [string, Schema][] = [
  [
    "pixels, which are streamed",
    {
      fields: [
        { name: "image", kind: "tensor", dtype: "uint8", shape: [224, 224, 3] },
        { name: "label", kind: "tensor", dtype: "int32", shape: [] },
      ],
    },
  ],
  [
    "ragged values, which are gathered",
    {
      fields: [
        { name: "image", kind: "ragged", dtype: "uint8", rank: 3 },
        { name: "label", kind: "tensor", dtype: "int32", shape: [] },
      ],
    },
  ],
];

describe.each(schemas)("writing a shard of %s", (_, schema) => {
  it("takes the memory of what a record batch gathers, as write waits for the file", async () => {
    const path = join(tempDir(), "large.arrow");
    const arrow = await openFormat("arrow");
    const writer = await arrow.createWriter(path, { schema });
    const image = new Uint8Array(224 * 224 * 3);
    const samples = Math.ceil(BYTES / image.length);
    const isRagged = schema.fields[0]?.kind === "ragged";
    const before = process.memoryUsage();
    let peak = 0;
    for (let n = 0; n < samples; n++) {
      image.fill(n);
      await writer.write(
        new Map<string, Uint8Array | Int32Array | { data: Uint8Array; shape: number[] }>([
          ["image", isRagged ? { data: image, shape: [224, 224, 3] } : image],
          ["label", Int32Array.of(n)],
        ]),
      );
      if (n % 16 === 0) {
        const { rss, arrayBuffers } = process.memoryUsage();
        peak = Math.max(peak, rss - before.rss, arrayBuffers - before.arrayBuffers);
      }
    }
    await writer.finish();
    expect(statSync(path).size).toBeGreaterThan(BYTES);
    expect(peak).toBeLessThan(64 * MEBIBYTE);

    const reader = await arrow.openReader(path);
    expect(reader.length).toBe(samples);
    for (let row = 0; row < samples; row += 577) {
      const value = reader.readField(row, "image");
      const data = typeof value !== "string" && "shape" in value ? value.data : (value as Uint8Array);
      expect(data[row]).toBe(row % 256);
      expect(reader.readField(row, "label")).toEqual(Int32Array.of(row));
    }
    reader.close();
  });
});
