import { fingerprintOf, parseManifest, readManifest, writeManifest, type Manifest } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const content: Omit<Manifest, "fingerprint"> = {
  manifestVersion: 1,
  format: "hdf5",
  schema: { fields: [{ name: "image", kind: "tensor", dtype: "uint8", shape: [2, 2, 3] }] },
  splits: [
    {
      name: "train",
      samples: 2,
      classCounts: [1, 1],
      shards: [
        {
          path: "train/shard-00000.h5",
          samples: 2,
          bytes: 2072,
          crc32c: "0x01234567",
          index: { bytes: 64, crc32c: "0x89abcdef" },
        },
      ],
    },
  ],
  classes: ["cat", "__proto__"],
  statistics: { field: "image", values: 8, mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.2] },
  provenance: {
    tool: "millrace 0.1.0",
    sourceKind: "image-folder",
    options: { size: 2, mode: "raw", out: null },
    rejected: 0,
  },
};

const text = JSON.stringify({ ...content, fingerprint: fingerprintOf(content) });

const splitOf = (name: string, samples: readonly number[]): Manifest["splits"][number] => ({
  name,
  samples: samples.reduce((sum, count) => sum + count, 0),
  classCounts: [],
  shards: samples.map((count) => ({
    path: "train/shard-00000.h5",
    samples: count,
    bytes: 1,
    crc32c: "0x00000000",
    index: { bytes: 1, crc32c: "0x00000000" },
  })),
});

describe("a manifest", () => {
  it("comes back as it was written, with a fingerprint of its content", async () => {
    const root = tempDir();
    const written = await writeManifest(root, content);
    expect(await readManifest(root)).toEqual(written);
    expect(written.fingerprint).toBe(fingerprintOf(content));
    expect(readFileSync(join(root, "dataset.json"), "utf8").endsWith("}\n")).toBe(true);
  });

  it("has the same fingerprint whatever the order of its keys", () => {
    const reversed = Object.fromEntries(Object.entries(content).toReversed()) as typeof content;
    expect(fingerprintOf(reversed)).toBe(fingerprintOf(content));
  });

  it("notices every flipped bit that changes its meaning", () => {
    const bytes = new TextEncoder().encode(text);
    for (let bit = 0; bit < bytes.length * 8; bit += 3) {
      const damaged = Uint8Array.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => parseManifest(new TextDecoder().decode(damaged), "dataset.json")).toThrow(/dataset\.json/u);
    }
  });

  it("of an unknown version says to upgrade", () => {
    expect(() => parseManifest(JSON.stringify({ ...content, manifestVersion: 99 }), "dataset.json")).toThrow(
      "dataset.json: has an unknown manifestVersion; expected 1, found 99; upgrade millrace",
    );
    expect(() => parseManifest(`{"version": "v2"}`, "dataset.json")).toThrow(/another tool/u);
    expect(() => parseManifest("null", "dataset.json")).toThrow(/unknown manifestVersion/u);
  });

  it.each([
    ["is cut off", text.slice(0, 100), /is not JSON/u],
    ["is empty", "", /is not JSON/u],
    ["claims a negative count", text.replace('"samples":2', '"samples":-2'), /splits\.0\.samples/u],
    ["has an extra key", text.replace('"classes"', '"evil":1,"classes"'), /Unrecognized key/u],
    ["was edited by hand", text.replace("cat", "dog"), /fingerprint does not fit/u],
  ])("that %s is refused with the place", (_, damaged, message) => {
    expect(() => parseManifest(damaged, "dataset.json")).toThrow(message);
  });

  it.each<[string, Partial<Manifest>]>([
    ["of a split that climbs out", { splits: [splitOf("../evil", [1])] }],
    ["of more samples than can be counted", { splits: [splitOf("train", [2 ** 53 - 1, 2])] }],
    ["of a mean that is no number", { statistics: { field: "image", values: 1, mean: [Number.NaN], std: [1] } }],
    ["of a class without a name", { classes: [undefined as unknown as string] }],
  ])("%s is not written", async (_, wrong) => {
    const root = tempDir();
    await expect(writeManifest(root, { ...content, ...wrong })).rejects.toMatchObject({ code: "MANIFEST" });
    expect(readdirSync(root)).toEqual([]);
  });

  it("whose shards do not add up is refused", () => {
    const wrong = { ...content, splits: content.splits.map((split) => ({ ...split, samples: 3 })) };
    expect(() =>
      parseManifest(JSON.stringify({ ...wrong, fingerprint: fingerprintOf(wrong) }), "dataset.json"),
    ).toThrow(/train do not add up; expected 3 samples, found 2/u);
  });

  it("that is not there says where a dataset would be", async () => {
    const root = tempDir();
    await expect(readManifest(root)).rejects.toMatchObject({
      code: "MANIFEST",
      detail: { fix: expect.stringContaining("millrace convert") as string },
    });
    writeFileSync(join(root, "dataset.json"), "[]");
    await expect(readManifest(root)).rejects.toMatchObject({ code: "MANIFEST" });
  });
});
