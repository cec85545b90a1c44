import { count, SEED, tempDir } from "@millrace/testkit";
import { array, assert, asyncProperty, constantFrom, integer, nat, oneof, tuple } from "fast-check";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { everyKind, everyKindSample } from "../arrow/every-kind.js";
import { DamagedFile, endingOf } from "../damaged-file.js";
import { payloadsOf, record, writeShard } from "./records.js";

async function shard(samples: number): Promise<string> {
  return await writeShard(
    everyKind,
    Array.from({ length: samples }, (_, n) => everyKindSample(n)),
  );
}

function fixture(name: string): string {
  return fileURLToPath(new URL(`../../../../fixtures/tfrecord/${name}.tfrecord`, import.meta.url));
}

describe("a shard of ours", () => {
  it("is found damaged with any bit flipped", async () => {
    const file = new DamagedFile("tfrecord", readFileSync(await shard(2)));
    const endings = new Set<string>();
    const bits = count(1, 8);
    for (let at = 0; at < file.bytes.length; at += count(2, 1))
      for (let n = 0; n < bits; n++) endings.add(await file.flip(at, 1 << (bits === 1 ? at % 8 : n)));
    expect([...endings]).toEqual(["CORRUPT_SHARD"]);
  });

  it("is found damaged when it is cut off at any byte, at the end of a record too", async () => {
    const file = new DamagedFile("tfrecord", readFileSync(await shard(4)));
    const endings = new Set<string>();
    for (let length = file.bytes.length - 1; length >= 0; length--) endings.add(await file.cutOff(length));
    expect([...endings]).toEqual(["CORRUPT_SHARD"]);
  });
});

describe("a file that TensorFlow made", () => {
  it("is found damaged with any byte changed", async () => {
    const file = new DamagedFile("tfrecord", readFileSync(fixture("forms")));
    const endings = new Set<string>();
    for (let at = 0; at < file.bytes.length; at++) endings.add(await file.flip(at, [1, 0x80, 0xff][at % 3] as number));
    expect([...endings]).toEqual(["CORRUPT_SHARD"]);
  });

  it("is found damaged when it is cut off at any byte but the end of a record", async () => {
    const bytes = readFileSync(fixture("photos"));
    let end = 0;
    const ends = payloadsOf(fixture("photos")).map(({ length }) => (end += length + 16));
    const file = new DamagedFile("tfrecord", bytes);
    const step = count(50, 1);
    const whole: number[] = [];
    for (let length = bytes.length - 1; length > 0; length--) {
      // In the quick tier, only where a record begins or ends, and here and there.
      if (length % step !== 0 && !ends.some((at) => Math.abs(at - length) < 14)) continue;
      if ((await file.cutOff(length)) !== "CORRUPT_SHARD") whole.push(length);
    }
    expect(whole.toReversed()).toEqual(ends.slice(0, -1));
  });

  it.each(["gzip", "zlib"])("and compressed by %s gives the same values or a typed error", async (name) => {
    const file = new DamagedFile("tfrecord", readFileSync(fixture(name)));
    const whole = await file.use();
    const endings = new Set<string>();
    const step = count(7, 1);
    for (let at = 0; at < file.bytes.length; at += at < 32 ? 1 : step) endings.add(await file.flip(at, 1 << (at % 8)));
    for (let length = file.bytes.length - 1; length >= 0; length -= step) endings.add(await file.cutOff(length));
    expect([...endings].filter((ending) => ending !== whole && ending !== "CORRUPT_SHARD")).toEqual([]);
    expect(endings.has("CORRUPT_SHARD")).toBe(true);
  });
});

describe("records whose checksums are right", () => {
  const number = oneof(nat(255), constantFrom(0x08, 0x0a, 0x12, 0x1a, 0x7f, 0x80, 0xff));
  const edits = array(tuple(constantFrom("set", "insert", "remove"), nat(0xffff), number), {
    minLength: 1,
    maxLength: 6,
  });

  it.each([
    ["of ours", async () => payloadsOf(await shard(3))],
    ["of every form of the message", async () => payloadsOf(fixture("forms"))],
    ["of TensorFlow", async () => payloadsOf(fixture("photos")).slice(0, 4)],
  ] as const)("give values or a typed error whatever their bytes say: %s", async (_, make) => {
    const payloads = await make();
    const path = join(tempDir(), "mutated.tfrecord");
    const strange = new Set<string>();
    const kinds = new Set<string>();
    await assert(
      asyncProperty(integer({ min: 0, max: payloads.length - 1 }), edits, async (row, changes) => {
        const bytes = [...(payloads[row] as Buffer)];
        for (const [what, place, value] of changes) {
          const at = place % bytes.length;
          if (what === "set") bytes[at] = value;
          else bytes.splice(at, what === "remove" ? 1 : 0, ...(what === "remove" ? [] : [value]));
        }
        const records = payloads.map((payload, n) => record(n === row ? Uint8Array.from(bytes) : payload));
        writeFileSync(path, Buffer.concat(records));
        const ending = await endingOf("tfrecord", path);
        kinds.add(ending.split(" ")[0] as string);
        if (!/^(values|CORRUPT_SHARD|UNSUPPORTED)/u.test(ending)) strange.add(ending);
      }),
      { numRuns: count(120, 5000), seed: SEED },
    );
    expect([...strange]).toEqual([]);
    expect(kinds.has("CORRUPT_SHARD")).toBe(true);
  });
});
