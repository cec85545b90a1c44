import { isMillraceError, openFormat } from "@millrace/formats";
import { count, SEED, tempDir } from "@millrace/testkit";
import { array, assert, asyncProperty, constantFrom, nat, tuple } from "fast-check";
import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { readAll, writeEveryKind } from "./every-kind.js";

const hdf5 = await openFormat("hdf5");
const MEBIBYTE = 2 ** 20;

/** How asking a file for everything may end. */
const ENDINGS = new Set(["values", "CORRUPT_SHARD", "UNSUPPORTED"]);

/** How asking this file for everything ends. */
async function use(path: string): Promise<string> {
  try {
    const reader = await hdf5.openReader(path);
    try {
      // Damage may announce any number of samples; a loader asks for those of the manifest.
      if (reader.length > 1000) [0, reader.length - 1].map((row) => reader.read(row));
      else readAll(reader);
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
  return readFileSync(fileURLToPath(new URL(`../../../../fixtures/hdf5/${name}.h5`, import.meta.url)));
}

/** A copy that is damaged in place, which costs a tenth of writing it anew. */
function copyOf(bytes: Uint8Array): { path: string; fd: number } {
  const path = join(tempDir(), "damaged.h5");
  writeFileSync(path, bytes);
  const fd = openSync(path, "r+");
  onTestFinished(() => closeSync(fd));
  return { path, fd };
}

/** What the file is, how it is made, and every how many bytes it is changed in the quick tier. */
const files: [string, () => Promise<Uint8Array>, number][] = [
  ["of ours", async () => readFileSync(await writeEveryKind(3)), 37],
  ["of images that h5py wrote", async () => fixture("photos"), 29],
  ["of old groups and headers", async () => fixture("earliest"), 97],
  ["of new groups and every index of chunks", async () => fixture("latest"), 131],
  ["that the library reads", async () => fixture("scale-offset"), 61],
];

describe.each(files)("a damaged file %s gives a typed error or values, in bounded time and memory", (_, make, step) => {
  it("cut off at any byte", async () => {
    const bytes = await make();
    const { path, fd } = copyOf(bytes);
    const endings = new Set<string>();
    for (let length = bytes.length - 1; length >= 0; length -= count(97, 7)) {
      ftruncateSync(fd, length);
      endings.add(await use(path));
    }
    expect([...endings]).toEqual(["CORRUPT_SHARD"]);
  });

  it("with any byte changed", async () => {
    const bytes = await make();
    const { path, fd } = copyOf(bytes);
    const before = process.memoryUsage().rss;
    const endings = new Set<string>();
    for (let at = 0; at < bytes.length; at += count(step, 3)) {
      const mask = [1, 0x80, 0xff, 4][at % 4] as number;
      writeSync(fd, Uint8Array.of((bytes[at] as number) ^ mask), 0, 1, at);
      endings.add(await use(path));
      writeSync(fd, bytes, at, 1, at);
    }
    expect(strange(endings)).toEqual([]);
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * MEBIBYTE);
  });

  it("with several runs of bytes overwritten", async () => {
    const bytes = await make();
    const { path, fd } = copyOf(bytes);
    const patch = tuple(
      nat(bytes.length - 1),
      constantFrom("00", "ff", "ffffffff", "0000000000000001", "ffffffffffffff7f"),
    );
    await assert(
      asyncProperty(array(patch, { minLength: 1, maxLength: 4 }), async (patches) => {
        for (const [at, hex] of patches) writeSync(fd, Buffer.from(hex, "hex"), 0, hex.length / 2, at);
        const ending = await use(path);
        writeSync(fd, bytes, 0, bytes.length, 0);
        ftruncateSync(fd, bytes.length);
        expect(strange(new Set([ending]))).toEqual([]);
      }),
      { seed: SEED, numRuns: count(100, 2000) },
    );
  });
});

describe("a shard of ours", () => {
  it("notices every changed byte of what says where its samples lie", async () => {
    const path = await writeEveryKind(3);
    const bytes = readFileSync(path);
    const copy = copyOf(bytes);
    const headers: number[] = [0];
    for (const signature of ["OHDR", "OCHK", "FRHP", "FHDB", "BTHD", "BTLF"])
      for (let at = bytes.indexOf(signature); at >= 0; at = bytes.indexOf(signature, at + 1)) headers.push(at);
    expect(headers.length).toBeGreaterThan(20);
    for (const header of headers) {
      for (let at = header; at < header + 30; at += count(5, 1)) {
        writeSync(copy.fd, Uint8Array.of((bytes[at] as number) ^ 1), 0, 1, at);
        expect({ at, ending: await use(copy.path) }).toEqual({
          at,
          ending: expect.not.stringMatching("values") as string,
        });
        writeSync(copy.fd, bytes, at, 1, at);
      }
    }
  });
});
