import {
  offsetOf,
  openFormat,
  type Extents,
  type Sample,
  type Schema,
  type ShardWriterOptions,
} from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { RecordBatchReader, tableFromIPC } from "apache-arrow";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { everyKind, everyKindSample, readAll, writeEveryKind, writeSeveralBatches, writeShard } from "./every-kind.js";

const arrow = await openFormat("arrow");

const blobs: Schema = { fields: [{ name: "blob", kind: "bytes", encoding: "none" }] };

function blob(bytes: number): Sample {
  return new Map([["blob", new Uint8Array(bytes).fill(bytes)]]);
}

/** Rows of each record batch, as the library reads them. */
function batchRows(path: string): number[] {
  return [...RecordBatchReader.from(readFileSync(path))].map((batch) => batch.numRows);
}

async function create(options: ShardWriterOptions): Promise<{
  path: string;
  writer: Awaited<ReturnType<typeof arrow.createWriter>>;
}> {
  const path = join(tempDir(), "shard.arrow");
  return { path, writer: await arrow.createWriter(path, options) };
}

describe("an Arrow shard in the making", () => {
  it("is a file that apache-arrow reads, with the types that the fields ask for", async () => {
    const table = tableFromIPC(readFileSync(await writeEveryKind(1500)));
    expect(table.numRows).toBe(1500);
    expect(table.schema.fields.map(({ name, type, nullable }) => `${name}: ${type}${nullable ? "?" : ""}`)).toEqual([
      "image: FixedSizeList[60]<Uint8>",
      "half: FixedSizeList[2]<Float16>",
      "label: Int32",
      "time: Uint64",
      "key: Utf8",
      "jpeg: Binary",
      "boxes: Struct<{data:List<Float32>, shape:FixedSizeList[2]<Int32>}>",
    ]);
    expect(table.schema.fields[0]?.metadata).toEqual(
      new Map([
        ["ARROW:extension:name", "arrow.fixed_shape_tensor"],
        ["ARROW:extension:metadata", '{"shape":[4,5,3]}'],
      ]),
    );
    const row = table.get(1400);
    expect(row?.["label"]).toBe(1397);
    expect(row?.["key"]).toBe("katze/1400-ä🐈.jpg");
    expect(Array.from(row?.["image"] as ArrayLike<number>)).toEqual([
      ...(everyKindSample(1400).get("image") as Uint8Array),
    ]);
  });

  it("is also a stream from byte 8 on", async () => {
    const file = readFileSync(await writeSeveralBatches(1100));
    const reader = RecordBatchReader.from(new Uint8Array(file).slice(8));
    expect([...reader].map((batch) => batch.numRows)).toEqual([999, 1, 100]);
  });

  it("begins every buffer at a multiple of 64 bytes", async () => {
    const reader = await arrow.openReader(await writeEveryKind(1000));
    const starts = ["image", "half", "label", "time", "key"].map((name) => {
      const extents = reader.extents(name);
      return extents?.kind === "affine" ? extents.base : extents?.offsets[0];
    });
    expect(starts.map((start) => (start as number) % 64)).toEqual([0, 0, 0, 0, 0]);
    reader.close();
  });

  it("closes a record batch before 131,073 samples", async () => {
    const schema: Schema = { fields: [{ name: "label", kind: "tensor", dtype: "uint8", shape: [] }] };
    const sample: Sample = new Map([["label", Uint8Array.of(7)]]);
    expect(
      batchRows(
        await writeShard(
          schema,
          Array.from({ length: 131_073 }, () => sample),
        ),
      ),
    ).toEqual([131_072, 1]);
  });

  it("closes a record batch before it gathers 4 MiB, and gives a larger sample one of its own", async () => {
    const sizes = [1, 2 ** 21, 2 ** 21, 2 ** 21 - 16, 5 * 2 ** 20, 1, 2 ** 22];
    const schema: Schema = { fields: [{ name: "text", kind: "string" }] };
    const path = await writeShard(
      schema,
      sizes.map((size): Sample => new Map([["text", "t".repeat(size)]])),
    );
    expect(batchRows(path)).toEqual([2, 2, 1, 1, 1]);
    const reader = await arrow.openReader(path);
    expect(readAll(reader).map((sample) => (sample.get("text") as string).length)).toEqual(sizes);
    reader.close();
  });

  it("streams the values of its largest field: record batches of 128 MiB, whose images lie back to back", async () => {
    const schema: Schema = {
      fields: [
        { name: "mask", kind: "tensor", dtype: "uint8", shape: [64] },
        { name: "image", kind: "tensor", dtype: "uint8", shape: [2 ** 22] },
        { name: "jpeg", kind: "bytes", encoding: "jpeg" },
      ],
    };
    const image = new Uint8Array(2 ** 22);
    const samples = (function* (): Generator<Sample> {
      for (let n = 0; n < 33; n++) {
        const jpeg = new Uint8Array(n).fill(n);
        yield new Map([
          ["image", image.fill(n)],
          ["mask", new Uint8Array(64).fill(n)],
          ["jpeg", jpeg],
        ]);
      }
    })();
    const reader = await arrow.openReader(await writeShard(schema, samples));
    const extents = reader.extents("image");
    const starts = Array.from({ length: 33 }, (_, row) => offsetOf(extents as Extents, row));
    expect(starts.slice(0, 32).map((start) => start - (starts[0] as number))).toEqual(
      Array.from({ length: 32 }, (_, row) => row * 2 ** 22),
    );
    expect((starts[32] as number) - (starts[31] as number)).toBeGreaterThan(2 ** 22);
    for (const row of [0, 31, 32]) {
      expect((reader.readField(row, "image") as Uint8Array)[2 ** 21]).toBe(row);
      expect((reader.readField(row, "mask") as Uint8Array)[63]).toBe(row);
      expect(reader.readField(row, "jpeg")).toEqual(new Uint8Array(row).fill(row));
    }
    reader.close();
  });

  it("has the same bytes for the same samples, whatever the order of a schema's properties", async () => {
    const turned: Schema = {
      fields: everyKind.fields.map((field) => Object.fromEntries(Object.entries(field).toReversed()) as typeof field),
    };
    const samples = Array.from({ length: 1200 }, (_, n) => everyKindSample(n));
    expect(readFileSync(await writeShard(turned, samples)).equals(readFileSync(await writeEveryKind(1200)))).toBe(true);
  });

  it("has the same bytes when nobody waits for a write before the next", async () => {
    const { path, writer } = await create({ schema: everyKind });
    await Promise.all([...Array.from({ length: 1200 }, (_, n) => writer.write(everyKindSample(n))), writer.finish()]);
    expect(readFileSync(path).equals(readFileSync(await writeEveryKind(1200)))).toBe(true);
  });

  it("lets a sample's memory be used again once it is written", async () => {
    const { path, writer } = await create({ schema: blobs });
    const memory = new Uint8Array(2 ** 20);
    for (let n = 0; n < 9; n++) {
      await writer.write(new Map([["blob", memory.fill(n)]]));
      memory.fill(255);
    }
    await writer.finish();
    const reader = await arrow.openReader(path);
    expect(readAll(reader).map((sample) => (sample.get("blob") as Uint8Array)[77])).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8,
    ]);
    reader.close();
  });

  it("refuses a sample that does not fit the schema and goes on without it", async () => {
    const { path, writer } = await create({ schema: everyKind });
    await writer.write(everyKindSample(0));
    await expect(writer.write(new Map())).rejects.toMatchObject({ code: "SCHEMA", message: /field image: is missing/ });
    const half = new Map([...everyKindSample(1), ["key", "\ud800"]]);
    await expect(writer.write(half)).rejects.toThrow(/field key: has half a surrogate pair/);
    await writer.write(everyKindSample(2));
    await writer.finish();
    const reader = await arrow.openReader(path);
    expect(readAll(reader)).toEqual([everyKindSample(0), everyKindSample(2)]);
    reader.close();
  });

  it("refuses more samples than were announced, and takes fewer", async () => {
    const { writer } = await create({ schema: blobs, expectedSamples: 2 });
    await writer.write(blob(1));
    await writer.write(blob(1));
    await expect(writer.write(blob(1))).rejects.toMatchObject({ code: "OPTION", message: /at most 2/ });
    await writer.finish();
    const fewer = await create({ schema: blobs, expectedSamples: 2 });
    await fewer.writer.finish();
    expect((await arrow.openReader(fewer.path)).length).toBe(0);
  });

  it("refuses an impossible schema and attributes that it cannot keep, and makes no file", async () => {
    const path = join(tempDir(), "shard.arrow");
    await expect(arrow.createWriter(path, { schema: { fields: [] } })).rejects.toMatchObject({ code: "SCHEMA" });
    for (const attributes of [
      new Map([["millrace.schema", ""]]),
      new Map([["a", "\ud800"]]),
      new Map([["\udfff", ""]]),
    ])
      await expect(arrow.createWriter(path, { schema: blobs, attributes })).rejects.toMatchObject({ code: "OPTION" });
    expect(existsSync(path)).toBe(false);
  });

  it("leaves a file that exists alone", async () => {
    const path = join(tempDir(), "shard.arrow");
    writeFileSync(path, "mine");
    await expect(arrow.createWriter(path, { schema: blobs })).rejects.toMatchObject({
      code: "FILE",
      message: /exists/,
    });
    expect(readFileSync(path, "utf8")).toBe("mine");
  });

  it("is gone after abort, which can be repeated, and takes nothing more", async () => {
    const { path, writer } = await create({ schema: blobs });
    await writer.write(blob(2 ** 22));
    await writer.write(blob(1));
    await writer.abort();
    await writer.abort();
    expect(existsSync(path)).toBe(false);
    await expect(writer.write(blob(1))).rejects.toMatchObject({ code: "CLOSED", message: /the shard is aborted/ });
    await expect(writer.finish()).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("stays after finish, whatever is called then", async () => {
    const { path, writer } = await create({ schema: blobs });
    await writer.write(blob(1));
    await writer.finish();
    await writer.abort();
    await expect(writer.write(blob(1))).rejects.toMatchObject({ code: "CLOSED", message: /the shard is finished/ });
    const reader = await arrow.openReader(path);
    expect(reader.length).toBe(1);
    reader.close();
  });

  /** A limit of the shell stands for a full disk: the system refuses to write past it. */
  it.skipIf(process.platform === "win32")("says that the system refuses to write, and abort cleans up", () => {
    const path = join(tempDir(), "shard.arrow");
    const program = `
      import { existsSync } from "node:fs";
      import { pathToFileURL } from "node:url";
      const { openFormat } = await import(pathToFileURL(process.argv[1]).href);
      const [path, found] = [process.argv[2], []];
      const note = (error) => found.push(error.code + " " + error.message);
      const schema = { fields: [{ name: "blob", kind: "bytes", encoding: "none" }] };
      const writer = await (await openFormat("arrow")).createWriter(path, { schema });
      const sample = new Map([["blob", new Uint8Array(3 * 2 ** 20)]]);
      await writer.write(sample).catch(note);
      await writer.finish().catch(note);
      const before = existsSync(path);
      await writer.abort();
      console.log(JSON.stringify({ found, before, after: existsSync(path) }));`;
    const script = 'trap "" XFSZ; ulimit -f 1024; exec "$0" --input-type=module --eval "$1" "$2" "$3"';
    const index = createRequire(import.meta.url).resolve("@millrace/formats");
    const output = execFileSync("bash", ["-c", script, process.execPath, program, index, path], { encoding: "utf8" });
    expect(JSON.parse(output)).toEqual({
      found: [
        expect.stringMatching(/^FILE .*shard.arrow: cannot write the shard: .*too large/u),
        expect.stringMatching(/^CLOSED .*shard.arrow: writing the shard has failed/u),
      ],
      before: true,
      after: false,
    });
  });
});
