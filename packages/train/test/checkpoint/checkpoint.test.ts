import { CHECKPOINT_VERSION, readCheckpoint, writeCheckpoint, type Checkpoint } from "@millrace/train";
import { count, SEED, tempDir } from "@millrace/testkit";
import * as fc from "fast-check";
import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { millraceError } from "../rejection.js";

const CHECKPOINT: Checkpoint = {
  step: 480,
  seed: 7,
  optimizer: "adam",
  momentum: 0,
  loaderState: {
    version: 1,
    fingerprint: "f",
    split: "train",
    order: { kind: "shuffle", seed: 3 },
    epoch: 2,
    position: 640,
    worldSize: 1,
    skipped: 0,
  },
  epochs: [
    { epoch: 0, steps: 20, loss: 1.5, accuracy: 0.25, samplesPerSec: 1000.5, validation: undefined },
    {
      epoch: 1,
      steps: 20,
      loss: 0.1,
      accuracy: undefined,
      samplesPerSec: 1e-3,
      validation: { samples: 60, loss: 0.2, accuracy: 0.9, wallMs: 12.25 },
    },
  ],
  running: { epoch: 2, steps: 3, samples: 96, lossSum: 12.5, correct: 80, wallMs: 3.5 },
  best: { metric: "validationLoss", value: 0.2, epoch: 1, step: 40, misses: 0 },
  weights: [
    { name: "000.kernel", shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, 1e-30, 4) },
    { name: "001.__proto__", shape: [], data: Float32Array.of(7) },
  ],
  slots: [{ name: "000.moment1.kernel", shape: [2, 3], data: Float32Array.of(6, 5, 4, 3, 2, 1) }],
  averages: [{ name: "000.kernel", shape: [1], data: Float32Array.of(0.5) }],
  bestWeights: [{ name: "000.kernel", shape: [1], data: Float32Array.of(0.25) }],
};

describe("a checkpoint", () => {
  it("comes back as it was, from its path or from its folder", async () => {
    const dir = join(tempDir(), "new", "folder");
    const path = await writeCheckpoint(dir, CHECKPOINT, 3);
    expect(path).toBe(join(dir, "checkpoint-00000480.safetensors"));
    expect(await readCheckpoint(path)).toEqual(CHECKPOINT);
    expect(await readCheckpoint(dir)).toEqual(CHECKPOINT);
    const least = { ...CHECKPOINT, loaderState: null, running: null, best: null, epochs: [] };
    await writeCheckpoint(dir, least, 3);
    expect(await readCheckpoint(dir)).toEqual(least);
    for (const loss of [
      { name: "focal", focalGamma: 2, focalAlpha: [0.5, 1] },
      { name: "crossEntropy", labelSmoothing: 0.1 },
    ] as const) {
      const more = { ...CHECKPOINT, firstEpoch: 2, loss };
      await writeCheckpoint(dir, more, 3);
      expect(await readCheckpoint(dir)).toEqual(more);
    }
  });

  it("is a file of safetensors: a length, a header in JSON, then the tensors without gaps", async () => {
    const bytes = readFileSync(await writeCheckpoint(tempDir(), CHECKPOINT, 1));
    const length = Number(bytes.readBigUInt64LE(0));
    expect((8 + length) % 8).toBe(0);
    const header: unknown = JSON.parse(bytes.toString("utf8", 8, 8 + length));
    expect(header).toMatchObject({
      __metadata__: { millrace: expect.stringContaining(`"step":480`) as string },
      "weight.000.kernel": { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] },
      "weight.001.__proto__": { dtype: "F32", shape: [], data_offsets: [24, 28] },
      "slot.000.moment1.kernel": { dtype: "F32", shape: [2, 3], data_offsets: [28, 52] },
      "average.000.kernel": { dtype: "F32", shape: [1], data_offsets: [52, 56] },
      "best.000.kernel": { dtype: "F32", shape: [1], data_offsets: [56, 60] },
    });
    expect(bytes.length).toBe(8 + length + 60);
    expect(bytes.readFloatLE(8 + length + 8)).toBe(3.5);
  });

  it("leaves the newest of its folder, and nothing else of its own", async () => {
    const dir = tempDir();
    writeFileSync(join(dir, "notes.txt"), "mine");
    for (const step of [9, 10, 99, 100]) await writeCheckpoint(dir, { ...CHECKPOINT, step }, 2);
    expect(readdirSync(dir).toSorted()).toEqual([
      "checkpoint-00000099.safetensors",
      "checkpoint-00000100.safetensors",
      "notes.txt",
    ]);
    expect((await readCheckpoint(dir)).step).toBe(100);
  });

  it("is the newest when it is written, though its folder holds those of a longer run", async () => {
    const dir = tempDir();
    for (const step of [100, 200, 300, 400]) await writeCheckpoint(dir, { ...CHECKPOINT, step }, 4);
    for (const [step, keep, left] of [
      [250, 2, 2],
      [10, 3, 1],
      [20, 1, 1],
    ] as const) {
      await writeCheckpoint(dir, { ...CHECKPOINT, step }, keep);
      expect((await readCheckpoint(dir)).step).toBe(step);
      expect(readdirSync(dir)).toHaveLength(left);
    }
  });

  it("is refused if it is cut short anywhere", async () => {
    const path = await writeCheckpoint(tempDir(), CHECKPOINT, 1);
    const whole = readFileSync(path);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
        writeFileSync(path, whole.subarray(0, length));
        const error = await millraceError(readCheckpoint(path));
        expect([error.code, error.detail.file]).toEqual(["STATE", path]);
      }),
      { seed: SEED, numRuns: count(100, 1000) },
    );
  });

  it("is refused by its header if its file is longer, before any of it is read", async () => {
    const path = await writeCheckpoint(tempDir(), CHECKPOINT, 1);
    truncateSync(path, 2 ** 40);
    const error = await millraceError(readCheckpoint(path));
    expect(error.message).toMatch(/is longer than its header says; expected 60 bytes of tensors, found 10995/u);
  });

  it("is refused if any bit of it flips", async () => {
    const path = await writeCheckpoint(tempDir(), CHECKPOINT, 1);
    const whole = readFileSync(path);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(7), async (at, bit) => {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at] as number) ^ (1 << bit);
        writeFileSync(path, damaged);
        expect((await millraceError(readCheckpoint(path))).code).toBe("STATE");
      }),
      { seed: SEED, numRuns: count(300, 4000) },
    );
  });

  it("is refused with a number that is not finite, which it names, or if it is of another version", async () => {
    const [kernel, other] = CHECKPOINT.weights;
    const poisoned = { ...CHECKPOINT, weights: [kernel!, { ...other!, data: Float32Array.of(Number.NaN) }] };
    const path = await writeCheckpoint(tempDir(), poisoned, 1);
    const error = await millraceError(readCheckpoint(path));
    expect(error.message).toContain("element 0 of the tensor weight.001.__proto__; expected finite numbers, found NaN");
    for (const [version, words] of [
      [CHECKPOINT_VERSION + 1, "a newer version; expected 2, found 3; update millrace"],
      [1, "an older version; expected 2, found 1"],
    ] as const) {
      const bytes = readFileSync(await writeCheckpoint(tempDir(), CHECKPOINT, 1));
      const at = bytes.indexOf("checkpointVersion") + 'checkpointVersion":'.length + 1;
      bytes[at] = String(version).charCodeAt(0);
      writeFileSync(path, bytes);
      const refused = await millraceError(readCheckpoint(path));
      expect([refused.code, refused.message]).toEqual(["STATE", expect.stringContaining(words) as string]);
    }
  });

  it("says what is missing: a file, a checkpoint in the folder, a header of millrace", async () => {
    const dir = tempDir();
    expect((await millraceError(readCheckpoint(join(dir, "none")))).code).toBe("FILE");
    expect((await millraceError(readCheckpoint(dir))).message).toContain("holds no checkpoint; train without resume");
    const header = Buffer.from(`{"__metadata__":{}} `);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(join(dir, "foreign.safetensors"), Buffer.concat([length, header]));
    const foreign = await millraceError(readCheckpoint(join(dir, "foreign.safetensors")));
    expect(foreign.message).toContain("is no checkpoint of millrace");
  });
});
