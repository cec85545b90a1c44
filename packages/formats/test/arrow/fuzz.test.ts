import { isMillraceError, openFormat } from "@millrace/formats";
import { count, SEED, tempDir } from "@millrace/testkit";
import { array, assert, asyncProperty, constantFrom, nat, tuple } from "fast-check";
import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { readAll, writeEveryKind } from "./every-kind.js";

const arrow = await openFormat("arrow");

/** How asking a file for everything may end. */
const ENDINGS = new Set(["values", "CORRUPT_SHARD", "UNSUPPORTED"]);

/** How asking this file for everything ends. */
async function use(path: string): Promise<string> {
  try {
    const reader = await arrow.openReader(path);
    try {
      readAll(reader);
    } finally {
      reader.close();
    }
    return "values";
  } catch (error) {
    return isMillraceError(error) ? error.code : ((error as Error).stack ?? String(error));
  }
}

function strange(endings: ReadonlySet<string>): string[] {
  return [...endings].filter((ending) => !ENDINGS.has(ending));
}

function fixture(name: string): Buffer {
  return readFileSync(fileURLToPath(new URL(`../../../../fixtures/arrow/${name}.arrow`, import.meta.url)));
}

/** A copy that is damaged in place, which costs a tenth of writing it anew. */
function copyOf(bytes: Uint8Array): { path: string; fd: number } {
  const path = join(tempDir(), "damaged.arrow");
  writeFileSync(path, bytes);
  const fd = openSync(path, "r+");
  onTestFinished(() => closeSync(fd));
  return { path, fd };
}

/** What the file is, how it is made, and every how many bytes it is changed. */
const files: [string, () => Promise<Uint8Array>, number][] = [
  ["of ours", async () => readFileSync(await writeEveryKind(2)), 1],
  ["of every type that pyarrow writes", async () => fixture("kinds"), count(5, 1)],
  ["with dictionaries", async () => fixture("dictionary"), 1],
];

describe.each(files)("a damaged file %s gives a typed error or a value", (_, make, step) => {
  it("cut off at every byte", async () => {
    const bytes = await make();
    const { path, fd } = copyOf(bytes);
    const endings = new Set<string>();
    for (let length = bytes.length - 1; length >= 0; length--) {
      ftruncateSync(fd, length);
      endings.add(await use(path));
    }
    expect([...endings]).toEqual(["CORRUPT_SHARD"]);
  });

  it("with every byte changed", async () => {
    const bytes = await make();
    const { path, fd } = copyOf(bytes);
    const masks = count(1, 8);
    const endings = new Set<string>();
    for (let at = 0; at < bytes.length; at += step) {
      for (let n = 0; n < masks; n++) {
        const mask = masks === 8 ? 1 << n : ([1, 0x80, 0xff, 4][at % 4] as number);
        writeSync(fd, Uint8Array.of((bytes[at] as number) ^ mask), 0, 1, at);
        endings.add(await use(path));
      }
      writeSync(fd, bytes, at, 1, at);
    }
    expect(strange(endings)).toEqual([]);
    expect(endings.size).toBe(3);
  });

  it("with words that are set to extremes", async () => {
    const bytes = await make();
    const { path, fd } = copyOf(bytes);
    const endings = new Set<string>();
    const word = constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 0x10000, bytes.length, -8, 24);
    const place = nat({ max: Math.floor(bytes.length / 4) - 1 }).map((n) => n * 4);
    await assert(
      asyncProperty(array(tuple(place, word), { minLength: 1, maxLength: 4 }), async (words) => {
        for (const [at, value] of words) writeSync(fd, Int32Array.of(value), 0, 4, at);
        endings.add(await use(path));
        for (const [at] of words) writeSync(fd, bytes, at, 4, at);
      }),
      { numRuns: count(500, 20_000), seed: SEED },
    );
    expect(strange(endings)).toEqual([]);
  });
});
