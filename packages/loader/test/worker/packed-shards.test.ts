import { crcText, FORMAT_NAMES, type Schema, type ShardLocation } from "@millrace/formats";
import fc from "fast-check";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { packShards, shardAt, type PackedShards } from "../../dist/worker/packed-shards.js";

const schemas: readonly Schema[] = [
  { fields: [{ name: "label", kind: "tensor", dtype: "int32", shape: [] }] },
  { fields: [{ name: "__proto__", kind: "string" }] },
];

const whole = fc.maxSafeNat();
const path = fc.string({ minLength: 1, unit: "binary", maxLength: 12 });
const crc = fc.nat(2 ** 32 - 1).map(crcText);

/** Of a manifest, or of a file without one. */
const location: fc.Arbitrary<ShardLocation> = fc
  .record({
    path,
    format: fc.constantFrom(...FORMAT_NAMES),
    schema: fc.constantFrom(...schemas),
    samples: fc.nat(2 ** 31),
    root: fc.constantFrom(undefined, "/a", "/b"),
    entry: fc.record({ path, bytes: whole, crc32c: crc, index: fc.record({ bytes: whole, crc32c: crc }) }),
  })
  .map(({ root, entry, ...shared }) =>
    root === undefined ? { ...shared, root } : { ...shared, root, entry: { ...entry, samples: shared.samples } },
  );

const unpack = (packed: PackedShards): ShardLocation[] =>
  Array.from({ length: packed.length }, (_, n) => shardAt(packed, n));

describe("packed shards", () => {
  it("are unpacked as they were, and count samples through them", () => {
    fc.assert(
      fc.property(fc.array(location, { maxLength: 40 }), (shards) => {
        const packed = packShards(shards);
        expect(unpack(packed)).toEqual(shards);
        let samples = 0;
        expect([...packed.starts]).toEqual([0, ...shards.map((shard) => (samples += shard.samples))]);
        expect(packed.kinds.length).toBeLessThanOrEqual(FORMAT_NAMES.length * schemas.length * 3);
      }),
      { numRuns: 200 },
    );
  });

  it("of one dataset are of one kind", () => {
    const shards = fc
      .sample(location, 50)
      .map((shard) => ({ ...shard, format: "hdf5", schema: schemas[0], root: "/a" }));
    const { entry } = fc.sample(
      location.filter((shard) => shard.entry !== undefined),
      1,
    )[0] as ShardLocation;
    expect(packShards(shards.map((shard) => ({ ...shard, entry })) as ShardLocation[]).kinds).toHaveLength(1);
  });

  it("are the same memory in another thread, so that their number costs nothing there", async () => {
    const [shard] = fc.sample(location, 1) as [ShardLocation];
    const packed = packShards([shard, shard]);
    const program = `
      import { parentPort, workerData } from "node:worker_threads";
      import { shardAt } from ${JSON.stringify(new URL("../../dist/worker/packed-shards.js", import.meta.url).href)};
      workerData.kindOf[0] = workerData.kindOf[1];
      workerData.starts[0] = 7;
      parentPort.postMessage(shardAt(workerData, 1));`;
    const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`);
    const worker = new Worker(url, { workerData: packed });
    const unpacked = await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    await worker.terminate();
    expect(unpacked).toEqual(shard);
    expect(packed.starts[0]).toBe(7);
  });
});
