import { count, SEED, tempDir } from "@millrace/testkit";
import { array, assert, asyncProperty, constantFrom, nat, oneof, string, tuple, uint8Array } from "fast-check";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { everyKind, everyKindSample } from "../arrow/every-kind.js";
import { DamagedFile, endingOf } from "../damaged-file.js";
import { base256, member, paxRecord, writeShard } from "./archives.js";

const ENDING = /^(values|CORRUPT_SHARD|UNSUPPORTED)/u;

function fixture(name: string): Buffer {
  return readFileSync(fileURLToPath(new URL(`../../../../fixtures/webdataset/${name}.tar`, import.meta.url)));
}

async function shard(samples: number): Promise<Buffer> {
  const wanted = ["image", "label", "key", "boxes"];
  const fields = everyKind.fields.filter(({ name }) => wanted.includes(name));
  const all = Array.from({ length: samples }, (_, n) => everyKindSample(n));
  const rows = all.map((sample) => new Map([...sample].filter(([name]) => wanted.includes(name))));
  return readFileSync(await writeShard({ fields }, rows));
}

/** Offsets of the blocks that are headers, or the data of one of the whole archive. */
function headersOf(bytes: Buffer): Set<number> {
  const headers = new Set<number>();
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0;) {
    const size = Number.parseInt(bytes.toString("latin1", at + 124, at + 135), 8);
    const end = at + 512 + Math.ceil(size / 512) * 512;
    const stop = bytes[at + 156] === 0x67 ? end : at + 512;
    for (let block = at; block < stop; block += 512) headers.add(block);
    at = end;
  }
  return headers;
}

describe("a shard of ours", () => {
  it("gives the same values or a typed error with any byte of a header changed, and no other end with any other", async () => {
    const bytes = await shard(2);
    const headers = headersOf(bytes);
    const file = new DamagedFile("webdataset", bytes);
    const whole = await file.use();
    const wrong: number[] = [];
    const strange = new Set<string>();
    for (let at = 0; at < bytes.length; at += count(7, 1)) {
      const ending = await file.flip(at, 1 << (at % 8));
      if (!ENDING.test(ending)) strange.add(ending);
      if (headers.has(at - (at % 512)) && ending.startsWith("values") && ending !== whole) wrong.push(at);
    }
    expect(wrong).toEqual([]);
    expect([...strange]).toEqual([]);
  });

  it("is found damaged when it is cut off at any byte", async () => {
    const file = new DamagedFile("webdataset", await shard(2));
    const endings = new Set<string>();
    for (let length = file.bytes.length - 1; length >= 0; length -= count(23, 1))
      endings.add(await file.cutOff(length));
    expect([...endings]).toEqual(["CORRUPT_SHARD"]);
  });
});

describe.each(["photos", "pax", "gnu"])("the archive %s of others", (name) => {
  it("is found damaged when it is cut off anywhere before its end", async () => {
    const bytes = fixture(name);
    const file = new DamagedFile("webdataset", bytes);
    const whole = await file.use();
    const end = bytes.findLastIndex((byte) => byte !== 0);
    const early = new Set<string>();
    for (let length = bytes.length - 1; length >= 0; length -= length % 512 === 1 ? 1 : count(331, 1)) {
      const ending = await file.cutOff(length);
      if (ending !== whole || length <= end) early.add(ending);
    }
    expect([...early]).toEqual(["CORRUPT_SHARD"]);
  });

  it("gives values or a typed error with any byte changed", async () => {
    const bytes = fixture(name);
    const file = new DamagedFile("webdataset", bytes);
    const strange = new Set<string>();
    for (let at = 0; at < bytes.length; at += count(151, 1)) {
      const ending = await file.flip(at, [1, 0x80, 0xff, 4][at % 4] as number);
      if (!ENDING.test(ending)) strange.add(ending);
    }
    expect([...strange]).toEqual([]);
  });
});

describe("members whose headers are whole", () => {
  const size = oneof(
    constantFrom(0n, 1n, 511n, 512n, 2n ** 33n, 2n ** 63n - 1n).map(base256),
    constantFrom("00000000000\0", "77777777777\0", "           \0", "0000000001\0\0"),
  );
  const name = oneof(
    constantFrom("0.txt", "0.cls", "0.npy", "1.jpg", "./a/b.c.npy", "dir/", "..", "__x__/1.jpg", ".jpg", "a"),
    string({ unit: "binary", maxLength: 99 }),
  );
  const data = oneof(
    uint8Array({ maxLength: 600 }),
    constantFrom(
      "5",
      "\x93NUMPY\x01\x00",
      paxRecord("path", "0.txt"),
      paxRecord("size", "3"),
      paxRecord("size", "-1"),
      "x.txt\0",
    ),
  );
  const type = constantFrom("0", "\0", "7", "x", "g", "L", "K", "1", "2", "5", "S", "M", "V", "X", "?");
  const members = array(tuple(name, data, type, oneof(constantFrom(undefined), size)), { minLength: 1, maxLength: 8 });

  it("give values or a typed error whatever they say", async () => {
    const path = join(tempDir(), "made.tar");
    const strange = new Set<string>();
    const kinds = new Set<string>();
    await assert(
      asyncProperty(members, nat(3), async (list, samples) => {
        const bytes = list.map(([called, content, kind, told]) =>
          member(called, content, told === undefined ? { type: kind } : { type: kind, size: told }),
        );
        const before = Array.from({ length: samples }, (_, n) => member(`${n}.txt`, "a"));
        writeFileSync(path, Buffer.concat([...before, ...bytes, Buffer.alloc(1024)]));
        const ending = await endingOf("webdataset", path);
        kinds.add(ending.split(" ")[0] as string);
        if (!ENDING.test(ending)) strange.add(ending);
      }),
      { numRuns: count(120, 5000), seed: SEED },
    );
    expect([...strange]).toEqual([]);
    expect(kinds.size).toBe(3);
  });
});
