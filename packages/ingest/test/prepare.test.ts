import { ImageError, SourceError, type Encoding } from "@millrace/formats";
import { prepareImage, type PrepareOptions } from "@millrace/ingest";
import { describe, expect, it } from "vitest";
import { imageBytes, pixelsOf } from "./image-files.js";

const ITEM = { path: "cat/1.png", key: "cat/1.png", label: 3 };
const RAW: PrepareOptions = { mode: "raw", shape: undefined, resize: false };
const png = await imageBytes({ kind: "png" });
const jpeg = await imageBytes({ kind: "jpeg" });

describe("mode encoded", () => {
  it.each<Encoding>(["png", "image"])("keeps the bytes as they are, with the field's encoding %s", async (encoding) => {
    const { sample, pixels, seekable } = await prepareImage(png, ITEM, { mode: "encoded", encoding });
    expect([...sample.keys()]).toEqual(["image", "label", "key"]);
    expect(sample.get("image")).toBe(png);
    expect(sample.get("label")).toEqual(Int32Array.of(3));
    expect(sample.get("key")).toBe("cat/1.png");
    expect(Buffer.from(pixels).equals(pixelsOf({}))).toBe(true);
    expect(seekable).toBeUndefined();
  });

  it("refuses an image of another encoding than the field's", async () => {
    const made = prepareImage(png, ITEM, { mode: "encoded", encoding: "jpeg" });
    await expect(made).rejects.toBeInstanceOf(ImageError);
    await expect(made).rejects.toMatchObject({
      detail: { key: "cat/1.png", reason: "other-encoding", expected: "jpeg", found: "png" },
    });
  });

  it.each([
    ["half a PNG", png.subarray(0, png.length >> 1)],
    ["half a JPEG", jpeg.subarray(0, jpeg.length >> 1)],
    ["no image", Buffer.from("<html>not found</html>")],
    ["nothing", Buffer.alloc(0)],
  ])("refuses %s, though its bytes would only be copied", async (_, bytes) => {
    const made = prepareImage(bytes, ITEM, { mode: "encoded", encoding: "image" });
    await expect(made).rejects.toBeInstanceOf(ImageError);
    await expect(made).rejects.toThrow(/cat\/1\.png/u);
  });
});

describe("mode seekable", () => {
  it("rewrites a JPEG and gives the index of its segments; its pixels stay", async () => {
    const { sample, pixels, seekable } = await prepareImage(jpeg, ITEM, { mode: "seekable", encoding: "jpeg" });
    expect(seekable?.refusal).toBeUndefined();
    expect(seekable?.index.length).toBeGreaterThan(0);
    const rewritten = sample.get("image") as Uint8Array;
    expect(rewritten).not.toBe(jpeg);
    const again = await prepareImage(rewritten, ITEM, { mode: "encoded", encoding: "jpeg" });
    expect(Buffer.from(again.pixels).equals(pixels)).toBe(true);
  });

  it("keeps what is no JPEG, and says so", async () => {
    const { sample, seekable } = await prepareImage(png, ITEM, { mode: "seekable", encoding: "image" });
    expect(sample.get("image")).toBe(png);
    expect(seekable).toEqual({ index: new Uint8Array(0), refusal: "not-jpeg" });
  });
});

describe("mode raw", () => {
  it("without a shape gives the pixels with their own size", async () => {
    const { sample, pixels } = await prepareImage(png, ITEM, RAW);
    expect(sample.get("image")).toEqual({ data: pixels, shape: [16, 20, 3] });
  });

  it("with a shape gives the pixels of images of that size", async () => {
    const { sample } = await prepareImage(png, ITEM, { mode: "raw", shape: [16, 20], resize: false });
    expect(Buffer.from(sample.get("image") as Uint8Array).equals(pixelsOf({}))).toBe(true);
  });

  it.each([
    [16, 21],
    [20, 16],
    [1, 1],
  ])("with the shape %i x %i refuses an image of 16 x 20", async (height, width) => {
    const made = prepareImage(png, ITEM, { mode: "raw", shape: [height, width], resize: false });
    await expect(made).rejects.toBeInstanceOf(SourceError);
    await expect(made).rejects.toThrow(`expected ${height} x ${width} pixels (height x width, upright), found 16 x 20`);
  });

  it.each([1, 8, 33])("with resize brings any image to %i x the same", async (side) => {
    for (const bytes of [png, jpeg, await imageBytes({ kind: "webp", width: 5, height: 40 })]) {
      const { sample, pixels } = await prepareImage(bytes, ITEM, { mode: "raw", shape: [side, side], resize: true });
      expect(sample.get("image")).toBe(pixels);
      expect(pixels).toHaveLength(side * side * 3);
    }
  });
});
