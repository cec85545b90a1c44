import type { Sample, SampleValue } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { codeOf, comparable, everyKind, formats, label, noise, samplesOf, write } from "./format-samples.js";

describe.each(formats)("the format $name", ({ name, format }) => {
  const extension = format.extensions[0];

  it("refuses a row that is not there and a field that is not there", async () => {
    const path = join(tempDir(), `shard.${extension}`);
    await write(name, path, { schema: everyKind }, samplesOf(everyKind, 3));
    const reader = await format.openReader(path);
    for (const row of [-1, 3, 1.5, Number.NaN, 2 ** 53]) {
      expect(await codeOf(() => reader.read(row))).toBe("OPTION");
      expect(await codeOf(() => reader.readField(row, "key"))).toBe("OPTION");
    }
    expect(await codeOf(() => reader.readField(0, "nothing"))).toBe("SCHEMA");
    expect(await codeOf(() => reader.extents("constructor"))).toBe("SCHEMA");
    reader.close();
  });

  it("refuses everything after the reader was closed, which may be closed again", async () => {
    const path = join(tempDir(), `shard.${extension}`);
    await write(name, path, { schema: everyKind }, samplesOf(everyKind, 3));
    const reader = await format.openReader(path);
    reader.close();
    reader.close();
    for (const { name: field } of everyKind.fields)
      expect(await codeOf(() => reader.readField(0, field))).toBe("CLOSED");
    expect(await codeOf(() => reader.read(0))).toBe("CLOSED");
  });

  it("refuses a sample that does not fit, and goes on with the next", async () => {
    const path = join(tempDir(), `shard.${extension}`);
    const samples = samplesOf(everyKind, 2);
    const writer = await format.createWriter(path, { schema: everyKind, expectedSamples: 2 });
    await writer.write(samples[0] as Sample);
    const wrong: [string, SampleValue | undefined][] = [
      ["image", new Uint8Array(272)],
      ["label", Uint32Array.of(1)],
      ["key", new Uint8Array(3)],
      ["jpeg", "text"],
      ["boxes", { data: new Float32Array(3), shape: [2, 2] }],
      ["label", undefined],
      ["other", Int32Array.of(1)],
    ];
    for (const [field, value] of wrong) {
      const sample = new Map(samples[1]);
      if (value === undefined) sample.delete(field);
      else sample.set(field, value);
      expect(await codeOf(() => writer.write(sample))).toBe("SCHEMA");
    }
    await writer.write(samples[1] as Sample);
    await writer.finish();
    const reader = await format.openReader(path);
    expect(reader.length).toBe(2);
    for (const [row, sample] of samples.entries()) expect(comparable(reader.read(row))).toEqual(comparable(sample));
    reader.close();
  });

  it("refuses an impossible schema, and more samples than were announced", async () => {
    const path = join(tempDir(), `shard.${extension}`);
    expect(await codeOf(() => format.createWriter(path, { schema: { fields: [] } }))).toBe("SCHEMA");
    const writer = await format.createWriter(path, { schema: { fields: [label] }, expectedSamples: 1 });
    await writer.write(new Map([["label", Int32Array.of(1)]]));
    expect(await codeOf(() => writer.write(new Map([["label", Int32Array.of(2)]])))).toBe("OPTION");
    await writer.abort();
  });

  it("leaves nothing behind when it is aborted, at any point", async () => {
    const folder = tempDir();
    const path = join(folder, `shard.${extension}`);
    for (const expectedSamples of [undefined, 5]) {
      for (const written of [0, 2]) {
        const writer = await format.createWriter(path, { schema: everyKind, expectedSamples });
        for (const sample of samplesOf(everyKind, written)) await writer.write(sample);
        await writer.abort();
        await writer.abort();
        expect(readdirSync(folder)).toEqual([]);
        expect(await codeOf(() => writer.write(samplesOf(everyKind, 1)[0] as Sample))).toBe("CLOSED");
        expect(await codeOf(() => writer.finish())).toBe("CLOSED");
      }
    }
  });

  it("leaves the shard alone when it is aborted after it was finished, and nothing but the shard", async () => {
    const folder = tempDir();
    const path = join(folder, `shard.${extension}`);
    const writer = await format.createWriter(path, { schema: everyKind });
    for (const sample of samplesOf(everyKind, 4)) await writer.write(sample);
    await writer.finish();
    const size = statSync(path).size;
    await writer.abort();
    expect(readdirSync(folder)).toEqual([`shard.${extension}`]);
    expect(statSync(path).size).toBe(size);
    expect(await codeOf(() => writer.write(samplesOf(everyKind, 1)[0] as Sample))).toBe("CLOSED");
  });

  it("does not touch a file that is there, and names a folder that is not", async () => {
    const folder = tempDir();
    const path = join(folder, `shard.${extension}`);
    writeFileSync(path, "mine");
    expect(await codeOf(() => format.createWriter(path, { schema: everyKind }))).toBe("FILE");
    expect(readFileSync(path, "utf8")).toBe("mine");
    const nowhere = join(folder, "nowhere", `shard.${extension}`);
    expect(await codeOf(() => format.createWriter(nowhere, { schema: everyKind, expectedSamples: 3 }))).toBe("FILE");
  });

  it("refuses what is no shard with a typed error that names it", async () => {
    const folder = tempDir();
    const whole = join(folder, `whole.${extension}`);
    await write(name, whole, { schema: everyKind, expectedSamples: 9 }, samplesOf(everyKind, 9));
    const garbage = join(folder, "garbage");
    writeFileSync(garbage, noise(1, 5000));
    const empty = join(folder, "empty");
    writeFileSync(empty, "");
    const other = join(folder, "text.jpg");
    writeFileSync(other, "not a shard\n".repeat(100));
    for (const path of [garbage, empty, other]) {
      expect(await codeOf(() => format.openReader(path))).toBe("CORRUPT_SHARD");
      await expect(format.openReader(path)).rejects.toThrow(path);
    }
    expect(await codeOf(() => format.openReader(join(folder, "missing")))).toBe("FILE");
    mkdirSync(join(folder, "folder"));
    expect(await codeOf(() => format.openReader(join(folder, "folder")))).toBe("FILE");
    for (let size = statSync(whole).size - 1; size > 0; size = Math.floor(size * 0.93)) {
      const cut = join(folder, "cut");
      copyFileSync(whole, cut);
      truncateSync(cut, size);
      expect(await codeOf(() => format.openReader(cut))).toBe("CORRUPT_SHARD");
    }
  });
});
