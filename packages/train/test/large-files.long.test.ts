import { crc32c } from "@millrace/formats";
import { modelFile, readCheckpoint, writeCheckpoint } from "@millrace/train";
import { packModel, readPackedModel } from "@millrace/train/compress";
import { tempDir } from "@millrace/testkit";
import { io } from "@tensorflow/tfjs-core";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { millraceError } from "./rejection.js";

/** More than one call of the system reads, and than `readFile` of Node.js allows. */
const NUMBERS = 560_000_001;

/** Of so many zero bytes behind what `before` is of. */
function crcOfZeros(bytes: number, before: number): number {
  const part = new Uint8Array(2 ** 26);
  let crc = before;
  for (let left = bytes; left > 0; left -= part.length) crc = crc32c(part.subarray(0, left), crc);
  return crc;
}

it("a checkpoint of more than 2 GiB is read, and checked", async () => {
  const empty = { name: "a", shape: [0], data: new Float32Array(0) };
  const state = {
    step: 1,
    seed: 1,
    optimizer: "sgd",
    momentum: 0,
    loaderState: null,
    epochs: [],
    running: null,
  } as const;
  const parts = { best: null, weights: [empty], slots: [], averages: [], bestWeights: [] };
  const path = await writeCheckpoint(tempDir(), { ...state, ...parts }, 1);
  const small = readFileSync(path);
  const { __metadata__ } = JSON.parse(small.toString("utf8", 8)) as { __metadata__: { millrace: string } };
  const { crc32c: _crc, ...body } = JSON.parse(__metadata__.millrace) as Record<string, unknown>;
  const shape = [NUMBERS];
  const text = new TextEncoder().encode(JSON.stringify(body) + JSON.stringify(["weight.a", shape]));
  const millrace = JSON.stringify({ ...body, crc32c: crcOfZeros(4 * NUMBERS, crc32c(text)) });
  const entry = { dtype: "F32", shape, data_offsets: [0, 4 * NUMBERS] };
  const header = Buffer.from(JSON.stringify({ __metadata__: { millrace }, "weight.a": entry }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(path, Buffer.concat([length, header]));
  truncateSync(path, 8 + header.length + 4 * NUMBERS);
  expect((await readCheckpoint(path)).weights[0]).toMatchObject({ name: "a", shape, data: { length: NUMBERS } });
});

it("a packed model of more than 2 GiB is read to its end, and refused if that is wrong", async () => {
  const path = join(tempDir(), "model.packed");
  const bytes = packModel({ modelTopology: {}, weights: [] });
  const streams = 2 ** 31;
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(20, streams, true);
  writeFileSync(path, bytes.subarray(0, -4));
  truncateSync(path, bytes.length + streams);
  expect((await millraceError(readPackedModel(path))).message).toContain("is damaged: its crc32c is wrong");
});

it("weights of more than 2 GiB are read in buffers that TensorFlow.js can take apart", async () => {
  const dir = tempDir();
  const weights = [
    { name: "a", shape: [NUMBERS - 1], dtype: "float32" },
    { name: "b", shape: [1], dtype: "float32" },
  ];
  const json = { modelTopology: {}, weightsManifest: [{ paths: ["w.bin", "last.bin"], weights }] };
  writeFileSync(join(dir, "model.json"), JSON.stringify(json));
  writeFileSync(join(dir, "w.bin"), "");
  truncateSync(join(dir, "w.bin"), 4 * (NUMBERS - 1));
  writeFileSync(join(dir, "last.bin"), Float32Array.of(7));
  const artifacts = await modelFile(dir).load?.();
  const last = new io.CompositeArrayBuffer(artifacts?.weightData).slice(4 * (NUMBERS - 1));
  expect(new Float32Array(last)).toEqual(Float32Array.of(7));
});
