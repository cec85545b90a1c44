import {
  BackendError,
  checkSplitName,
  ClosedError,
  CorruptShardError,
  errorFromData,
  errorToData,
  FileError,
  FORMAT_NAMES,
  formatOfPath,
  frameRecord,
  ImageError,
  isFieldName,
  isFormatName,
  isMillraceError,
  JPEG_REFUSALS,
  JpegSegmentColumn,
  jpegSegmentColumn,
  jpegSegmentColumns,
  MANIFEST_NAME,
  ManifestError,
  MillraceError,
  openFormat,
  OptionError,
  SampleError,
  SchemaError,
  shardPath,
  SourceError,
  StateError,
  UnsupportedError,
  WorkerError,
  type ShardIndex,
  type TypedArray,
  JpegSegments,
} from "@millrace/formats";
import * as fc from "fast-check";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

describe("the name of a format", () => {
  it.each(FORMAT_NAMES)("%s opens the format of that name, whose extensions lead back to it", async (name) => {
    expect(isFormatName(name)).toBe(true);
    const format = await openFormat(name);
    expect(format.name).toBe(name);
    for (const extension of format.extensions) expect(formatOfPath(shardPath("train", 0, extension))).toBe(name);
  });

  it.each(["", "HDF5", "zarr", "constructor", "__proto__", "toString"])(
    "%j is none, and opening it tells those there are",
    async (name) => {
      expect(isFormatName(name)).toBe(false);
      await expect(openFormat(name)).rejects.toThrow(`expected ${FORMAT_NAMES.join(" | ")}, found ${name}`);
    },
  );
});

describe("the extension of a file", () => {
  it.each([
    ["a.h5", "hdf5"],
    ["deep/folder.tar/a.HDF5", "hdf5"],
    ["a.arrow", "arrow"],
    ["a.arrows", "arrow"],
    ["a.feather", "arrow"],
    ["a.tfrecord", "tfrecord"],
    ["a.tfrecords", "tfrecord"],
    ["a.TFRecord.gz", "tfrecord"],
    ["a.b.tar", "webdataset"],
    ["a.tar.gz", undefined],
    ["a.gz", undefined],
    ["folder.h5/a", undefined],
    ["h5", undefined],
    ["", undefined],
  ])("%j tells %s", (path, name) => {
    expect(formatOfPath(path)).toBe(name);
  });
});

describe("the name of a field", () => {
  it.each(["image", "_", "a.b-c_d", "A9", "constructor", "__proto__", "a".repeat(100)])("can be %s", (name) => {
    expect(isFieldName(name)).toBe(true);
  });

  it.each(["", "9a", ".a", "-a", "a/b", "a b", "a\n", "\u0000", "ä", "a".repeat(101)])("cannot be %j", (name) => {
    expect(isFieldName(name)).toBe(false);
  });
});

describe("the name of a split", () => {
  it.each(["train", "val", "test", "fold_1", "0", "a-b", "a".repeat(100)])("can be %s", (name) => {
    expect(() => checkSplitName(name)).not.toThrow();
  });

  it.each(["", ".", "..", "../up", "a/b", "a\\b", "/root", "a b", "train\n", "a".repeat(101)])(
    "cannot be %j, which could lead out of the dataset's folder",
    (name) => {
      expect(() => checkSplitName(name)).toThrow(OptionError);
      expect(() => checkSplitName(name)).toThrow(/option split: is not the name of a split; expected letters/u);
    },
  );

  it("and a number make the path of a shard, in the order of the numbers", () => {
    expect(shardPath("train", 3, "h5")).toBe("train/shard-00003.h5");
    expect(shardPath("val", 123_456, "tar")).toBe("val/shard-123456.tar");
    fc.assert(
      fc.property(fc.nat(99_999), fc.nat(99_999), (a, b) => {
        const [first, second] = [shardPath("train", a, "h5"), shardPath("train", b, "h5")];
        expect(Math.sign(a - b)).toBe(first < second ? -1 : first > second ? 1 : 0);
      }),
    );
  });

  it("stands beside the manifest, not in place of it", () => {
    expect(MANIFEST_NAME).toBe("dataset.json");
    expect(() => checkSplitName(MANIFEST_NAME)).toThrow(OptionError);
  });
});

describe("every class of error", () => {
  const CLASSES = [
    [OptionError, "OPTION", 2],
    [ManifestError, "MANIFEST", 3],
    [SchemaError, "SCHEMA", 3],
    [CorruptShardError, "CORRUPT_SHARD", 3],
    [UnsupportedError, "UNSUPPORTED", 3],
    [SourceError, "SOURCE", 3],
    [ImageError, "IMAGE", 3],
    [SampleError, "SAMPLE", 3],
    [FileError, "FILE", 3],
    [WorkerError, "WORKER", 4],
    [StateError, "STATE", 4],
    [ClosedError, "CLOSED", 4],
    [BackendError, "BACKEND", 4],
  ] as const;

  it.each(CLASSES)("%o has code %s and exit code %i, and keeps them across a thread boundary", (Class, code, exit) => {
    const error = new Class({ file: "a", field: "b", key: "c", problem: "is bad", reason: "d" });
    expect(error).toBeInstanceOf(MillraceError);
    expect(error).toMatchObject({ code, exitCode: exit, message: "a, key c, field b: is bad" });
    const crossed = errorFromData(structuredClone(errorToData(error)));
    expect(crossed).toBeInstanceOf(Class);
    expect(crossed).toMatchObject({ code, exitCode: exit, name: Class.name, detail: error.detail });
    for (const [, other] of CLASSES) expect(isMillraceError(crossed, other)).toBe(other === code);
  });

  it.each([
    ["ENOENT", "no such file or folder"],
    ["EACCES", "permission denied"],
    ["EISDIR", "is a folder"],
  ])("has a cause that stays: %s", (code, text) => {
    const cause = Object.assign(new Error(text), { code });
    expect(new FileError({ problem: "p", cause }).cause).toBe(cause);
  });
});

describe("frameRecord", () => {
  it.each(["photos", "imagenet", "forms"])("frames as TensorFlow does: %s.tfrecord", (name) => {
    const file = readFileSync(new URL(`../../../fixtures/tfrecord/${name}.tfrecord`, import.meta.url));
    const frames: Uint8Array[] = [];
    for (let at = 0; at < file.length;) {
      const length = Number(file.readBigUInt64LE(at));
      frames.push(frameRecord(file.subarray(at + 12, at + 12 + length)));
      at += length + 16;
    }
    expect(frames.length).toBeGreaterThan(0);
    expect(Buffer.concat(frames).equals(file)).toBe(true);
  });

  it("copies its payload, which may be empty", () => {
    const payload = Uint8Array.of(1, 2, 3);
    const framed = frameRecord(payload);
    payload.fill(9);
    expect([...framed.subarray(12, 15)]).toEqual([1, 2, 3]);
    expect(frameRecord(new Uint8Array(0))).toHaveLength(16);
  });
});

describe("the columns of JPEG segments", () => {
  const columns = jpegSegmentColumns("photo", [Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)]);
  const [bytes, starts] = [...columns.values()];

  function columnOf(changes: ReadonlyMap<string, TypedArray>, samples = 3): unknown {
    const index = { samples, columns: new Map([...columns, ...changes]) } as unknown as ShardIndex;
    return jpegSegmentColumn("a.h5", index, "photo");
  }

  it("keep the index of each sample, and tell which samples have none", () => {
    const column = columnOf(new Map()) as JpegSegmentColumn;
    expect(column).toBeInstanceOf(JpegSegmentColumn);
    expect(column.read(1, new JpegSegments())).toBe(false);
    expect(() => column.read(2, new JpegSegments())).toThrow(CorruptShardError);
    expect([...(starts as TypedArray)]).toEqual([0, 2, 2, 3]);
    expect([...(bytes as TypedArray)]).toEqual([1, 2, 3]);
  });

  it("are those of one field: another has none", () => {
    const index = { samples: 3, columns } as unknown as ShardIndex;
    expect(jpegSegmentColumn("a.h5", index, "other")).toBeUndefined();
  });

  const [BYTES, STARTS] = [...columns.keys()] as [string, string];

  it.each<[string, ReadonlyMap<string, TypedArray>, number]>([
    ["of another number of samples", new Map(), 4],
    ["of numbers of another width", new Map([[STARTS, Uint16Array.of(0, 2, 2, 3)]]), 3],
    ["that end behind the bytes", new Map([[STARTS, Uint32Array.of(0, 2, 2, 4)]]), 3],
    ["that end before the bytes", new Map([[STARTS, Uint32Array.of(0, 2, 2, 2)]]), 3],
    ["that go back", new Map([[STARTS, Uint32Array.of(0, 9, 2, 3)]]), 3],
    ["with bytes of another width", new Map([[BYTES, Uint16Array.of(1, 2, 3)]]), 3],
  ])("%s are refused", (_, changes, samples) => {
    expect(() => columnOf(changes, samples)).toThrow(/a\.h5, field photo: .* contradict each other/u);
  });
});

it("what keeps a JPEG from being seekable has distinct codes", () => {
  expect(new Set(JPEG_REFUSALS).size).toBe(JPEG_REFUSALS.length);
  for (const code of JPEG_REFUSALS) expect(code).toMatch(/^[a-z-]+$/u);
});
