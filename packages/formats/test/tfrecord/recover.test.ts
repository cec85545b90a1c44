import { recoverTfrecord, type TfrecordRecovery } from "@millrace/formats";
import { count, SEED } from "@millrace/testkit";
import { assert, asyncProperty, nat, uint8Array, uniqueArray } from "fast-check";
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { fileOf, header, record } from "./records.js";

const payloads = Array.from({ length: 9 }, (_, n) => Buffer.alloc(n * 17, n + 1));
const records = payloads.map(record);

/** Where record `n` begins. */
function start(n: number): number {
  return records.slice(0, n).reduce((sum, { length }) => sum + length, 0);
}

function damaged(change: (bytes: Buffer) => Buffer): string {
  return fileOf(change(Buffer.concat(records)));
}

/** The payloads of the sound records. */
function soundOf(path: string, { offsets, byteLengths }: TfrecordRecovery): Buffer[] {
  const bytes = readFileSync(path);
  return Array.from(offsets, (offset, n) => bytes.subarray(offset, offset + (byteLengths[n] as number)));
}

describe("recoverTfrecord", () => {
  it("finds every record and no damage in a sound file, compressed or not", async () => {
    const path = damaged((bytes) => bytes);
    const found = await recoverTfrecord(path);
    expect(soundOf(path, found)).toEqual(payloads);
    expect(found).toMatchObject({ bytes: start(9), damages: [] });
    const compressed = await recoverTfrecord(damaged((bytes) => gzipSync(bytes)));
    expect(compressed).toEqual(found);
    expect(await recoverTfrecord(fileOf())).toMatchObject({ bytes: 0, damages: [] });
  });

  it("loses one record to a damaged payload, and joins damages that follow each other", async () => {
    const path = damaged((bytes) => {
      for (const n of [3, 4, 7]) bytes.writeUInt8(0xee, start(n) + 15);
      return bytes;
    });
    const found = await recoverTfrecord(path);
    expect(soundOf(path, found)).toEqual([0, 1, 2, 5, 6, 8].map((n) => payloads[n]));
    expect(found.damages).toEqual([
      { kind: "payload", from: start(3), to: start(5), recordsBefore: 3, records: 2 },
      { kind: "payload", from: start(7), to: start(8), recordsBefore: 5, records: 1 },
    ]);
  });

  it.each([0, 7, 8, 11])("finds the next record behind a length that is damaged at byte %i", async (at) => {
    const path = damaged((bytes) => {
      bytes.writeUInt8((bytes[start(4) + at] as number) ^ 0x40, start(4) + at);
      return bytes;
    });
    const found = await recoverTfrecord(path);
    expect(soundOf(path, found)).toEqual(payloads.filter((_, n) => n !== 4));
    expect(found.damages).toEqual([
      { kind: "length", from: start(4), to: start(5), recordsBefore: 4, records: undefined },
    ]);
  });

  it("tells what is lost of a file that was cut off, or has a hole, or something strange before or between", async () => {
    const cut = await recoverTfrecord(damaged((bytes) => bytes.subarray(0, start(8) + 40)));
    expect(cut.damages).toEqual([
      { kind: "end", from: start(8), to: start(8) + 40, recordsBefore: 8, records: undefined },
    ]);
    const path = damaged((bytes) => Buffer.concat([bytes.subarray(0, start(2) + 20), bytes.subarray(start(5) + 3)]));
    const holed = await recoverTfrecord(path);
    expect(soundOf(path, holed)).toEqual([0, 1, 6, 7, 8].map((n) => payloads[n]));
    const before = await recoverTfrecord(fileOf(Buffer.from("#!/bin/sh\n"), ...records, header(2n ** 62n)));
    expect(before.damages).toEqual([
      { kind: "length", from: 0, to: 10, recordsBefore: 0, records: undefined },
      { kind: "end", from: 10 + start(9), to: 22 + start(9), recordsBefore: 9, records: undefined },
    ]);
  });

  it("covers the file with sound records and damages, and loses no record that was not touched", async () => {
    const path = fileOf();
    const whole = Buffer.concat(records);
    await assert(
      asyncProperty(
        uniqueArray(nat(whole.length - 1), { minLength: 1, maxLength: 5 }),
        uint8Array({ maxLength: 30 }),
        async (places, tail) => {
          const bytes = Buffer.concat([whole, tail]);
          for (const at of places) bytes.writeUInt8((bytes[at] as number) ^ 0x10, at);
          writeFileSync(path, bytes);
          const found = await recoverTfrecord(path);
          const runs = [
            ...Array.from(
              found.offsets,
              (offset, n) => [offset - 12, offset + (found.byteLengths[n] as number) + 4] as const,
            ),
            ...found.damages.map(({ from, to }) => [from, to] as const),
          ].toSorted((a, b) => a[0] - b[0]);
          expect(runs.map(([from]) => from)).toEqual([0, ...runs.map(([, to]) => to)].slice(0, -1));
          expect(runs.at(-1)?.[1]).toBe(bytes.length);
          const touched = new Set(places.map((at) => records.findIndex((_, n) => at < start(n + 1))));
          expect(found.offsets.length).toBe(records.length - touched.size);
        },
      ),
      { numRuns: count(60, 3000), seed: SEED },
    );
  });

  it("gives up where lengths lead nowhere too often, in a time that the size of the file bounds", async () => {
    const size = 200_000;
    const lures: Buffer[] = [Buffer.from("damage")];
    for (let at = 6; at < size; at += 12) lures.push(header(BigInt(Math.max(0, size - at - 2000))));
    await expect(recoverTfrecord(fileOf(...lures))).rejects.toThrow(/too many lengths that lead nowhere/u);
  });

  it("stops with the reason of its signal, and names a file that is not there", async () => {
    await expect(recoverTfrecord("/nowhere.tfrecord")).rejects.toMatchObject({ code: "FILE" });
    const path = fileOf(record(Buffer.alloc(2 ** 26)), record(Buffer.alloc(9)));
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(recoverTfrecord(path, { signal })).rejects.toThrow("enough");
  });
});
