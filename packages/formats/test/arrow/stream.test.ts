import { isMillraceError, openDataset, openFormat } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { digest } from "../digests.js";
import { everyKind, readAll, severalBatchesSample, writeSeveralBatches } from "./every-kind.js";

const arrow = await openFormat("arrow");

/** The stream that a file of ours contains: what stands between its magic and its footer. */
async function streamOf(samples: number): Promise<Buffer> {
  const file = readFileSync(await writeSeveralBatches(samples));
  return file.subarray(8, file.length - 10 - file.readInt32LE(file.length - 10));
}

function save(bytes: Uint8Array, name = "stream.arrows"): string {
  const path = join(tempDir(), name);
  writeFileSync(path, bytes);
  return path;
}

/** The code and text of the error that opening these bytes ends in. */
async function failureOf(bytes: Uint8Array): Promise<string> {
  const path = save(bytes);
  const error: unknown = await arrow.openReader(path).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isMillraceError(error)) throw error ?? new Error("it was opened");
  return `${error.code}: ${error.message.replace(path, "")}`;
}

describe("an Arrow stream", () => {
  it.each(["stream.arrows", "stream.arrow"])("is read as a file is, whatever its extension: %s", async (name) => {
    const reader = await arrow.openReader(save(await streamOf(1200), name));
    expect(reader.schema).toEqual(everyKind);
    expect(digest(readAll(reader))).toBe(digest(Array.from({ length: 1200 }, (_, n) => severalBatchesSample(n))));
    expect(reader.extents("image")).toMatchObject({ kind: "table", length: 1200 });
    reader.close();
  });

  it("is a dataset without a manifest", async () => {
    const dataset = await openDataset(save(await streamOf(5)));
    expect(dataset.schema).toEqual(everyKind);
    expect(await dataset.split("train").read(3)).toEqual(severalBatchesSample(3));
    dataset.close();
  });

  it("without a record batch has a schema and no sample", async () => {
    const reader = await arrow.openReader(save(await streamOf(0)));
    expect(reader.schema).toEqual(everyKind);
    expect(reader.length).toBe(0);
    reader.close();
  });
});

describe("a damaged stream", () => {
  it("that ends between two messages is cut off, as it lacks its mark", async () => {
    const stream = await streamOf(3);
    expect(await failureOf(stream.subarray(0, -8))).toMatch(/CORRUPT.*it ends without the mark of its end/);
    expect(await failureOf(stream.subarray(0, -4))).toMatch(/CORRUPT.*it ends without the mark of its end/);
  });

  it("that ends in a message names where that begins", async () => {
    const stream = await streamOf(3);
    expect(await failureOf(stream.subarray(0, -72))).toMatch(/CORRUPT_SHARD: , byte \d+: a message is cut off/);
  });

  it("with something behind its end is refused, two streams in one file for one", async () => {
    const stream = await streamOf(3);
    expect(await failureOf(Buffer.concat([stream, stream]))).toMatch(/more stands behind the end of the stream/);
  });

  it.each([
    [-1, -2, /CORRUPT_SHARD: .*the length of a message is wrong; expected a positive number, found -2/],
    [-1, 2 ** 30, /UNSUPPORTED: .*metadata of this size is not read/],
    [-1, 2 ** 20, /CORRUPT_SHARD: .*the metadata of a message lies outside of the file/],
    [-1, 4, /CORRUPT_SHARD: .*the metadata points outside of itself/],
    [-1, 0, /CORRUPT_SHARD: .*more stands behind the end of the stream/],
    [0, 0, /CORRUPT_SHARD: .*is not an Arrow file/],
  ])("that begins with %i, %i says so", async (mark, length, text) => {
    const stream = Buffer.from(await streamOf(3));
    stream.writeInt32LE(mark, 0);
    stream.writeInt32LE(length, 4);
    expect(await failureOf(stream)).toMatch(text);
  });

  it("that begins with a record batch lacks its schema", async () => {
    const stream = await streamOf(3);
    expect(await failureOf(stream.subarray(8 + stream.readInt32LE(4)))).toMatch(/does not begin with a schema/);
  });

  it("that claims a body of exabytes is cut off, and takes no memory", async () => {
    const stream = Buffer.from(await streamOf(3));
    const batch = 8 + stream.readInt32LE(4);
    const bodyBytes = Buffer.alloc(8);
    bodyBytes.writeBigInt64LE(BigInt(stream.length - 8 - batch - 8 - stream.readInt32LE(batch + 4)));
    const at = stream.indexOf(bodyBytes, batch);
    for (const claim of [2n ** 62n, -1n, 2n ** 40n]) {
      stream.writeBigInt64LE(claim, at);
      expect(await failureOf(stream)).toMatch(/CORRUPT_SHARD: , byte \d+: a message is cut off/);
    }
  });
});
