import { SEED, tempDir } from "@millrace/testkit";
import * as fc from "fast-check";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { directProblem, DirectAccess } from "../../dist/storage/direct-access.js";
import { LocalFiles } from "../../dist/storage/local.js";

const MEMORY = "/dev/shm";

/** Bytes whose value depends on their place, so that no two blocks are alike. */
function fill(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = Math.imul(i, 0x9e3779b1) >>> 13;
  return bytes;
}

/** Files of lengths around blocks and rooms, in a folder. */
function makeFiles(dir: string): { readonly paths: string[]; readonly contents: Uint8Array[] } {
  const contents = [1, 511, 4096, 4097, 100_000, 2 ** 22 + 12_345].map(fill);
  const paths = contents.map((_, number) => join(dir, String(number)));
  for (const [number, path] of paths.entries()) writeFileSync(path, contents[number] as Uint8Array, { flush: true });
  return { paths, contents };
}

function expectSameBytes(dir: string): void {
  const { paths, contents } = makeFiles(dir);
  const files = new LocalFiles(paths, 3, new DirectAccess());
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.nat(paths.length - 1), share, share, fc.nat(9), (number, start, part, offset) => {
      const content = contents[number] as Uint8Array;
      const position = Math.floor(start * (content.length - 1));
      const length = 1 + Math.floor(part ** 2 * (content.length - position - 1));
      const target = new Uint8Array(new SharedArrayBuffer(offset + length + 1)).fill(255);
      files.readInto(number, target, offset, length, position);
      expect(
        Buffer.compare(target.subarray(offset, offset + length), content.subarray(position, position + length)),
      ).toBe(0);
      expect([...target.subarray(0, offset), target.at(-1)]).toEqual(Array.from({ length: offset + 1 }, () => 255));
    }),
    { seed: SEED, numRuns: 100 },
  );
  expect(() => files.readInto(3, new Uint8Array(9000), 0, 9000, 1)).toThrow(/byte 4097: the file ends too early/u);
  files.close();
}

/** Bytes that this process made devices read, by Linux's account. */
function deviceBytes(): number {
  return Number(/^read_bytes: (\d+)$/mu.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
}

describe("reading past the page cache", () => {
  it("gives the bytes that reading through it gives, at any place and length", () => {
    expectSameBytes(tempDir());
  });

  it.skipIf(!existsSync(MEMORY))("falls back to it where files lie in memory, and says so", () => {
    const dir = mkdtempSync(join(MEMORY, "millrace-test-"));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    expectSameBytes(dir);
    expect(directProblem(join(dir, "0"))).toMatch(/lies in memory|refuses O_DIRECT/u);
  });

  it("comes from the device, though the cache holds the file", ({ skip }) => {
    const { paths } = makeFiles(tempDir());
    const path = paths.at(-1) as string;
    const problem = directProblem(path);
    if (problem !== "" || !existsSync("/proc/self/io")) return skip(problem);
    const target = new Uint8Array(2 ** 20);
    const read = (files: LocalFiles): number => {
      const before = deviceBytes();
      files.readInto(0, target, 0, target.length, 0);
      files.close();
      return deviceBytes() - before;
    };
    readFileSync(path);
    expect(read(new LocalFiles([path], 1, new DirectAccess()))).toBeGreaterThanOrEqual(target.length);
    expect(read(new LocalFiles([path], 1))).toBe(0);
  });

  it("says why it cannot be: no such file", () => {
    expect(directProblem(join(tempDir(), "none"))).toMatch(/none cannot be read: ENOENT/u);
    const files = new LocalFiles([join(tempDir(), "none")], 1, new DirectAccess());
    expect(() => files.readInto(0, new Uint8Array(1), 0, 1, 0)).toThrow(/no such file/u);
  });
});
