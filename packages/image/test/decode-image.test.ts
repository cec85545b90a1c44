import { createHash } from "node:crypto";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { decodeImage } from "@millrace/image";
import sharp, { type Create } from "sharp";
import { describe, expect, it } from "vitest";
import { everyEncoding, HEIGHT, photo, photoPixels, WIDTH, worstDifference } from "./sample-images.js";

const hash = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");
const band = (background: string, width: number, height: number): { create: Create } => ({
  create: { width, height, channels: 3, background },
});

describe("decodeImage", () => {
  it("without size gives all pixels", async () => {
    const pixels = await decodeImage(await photo().png().toBuffer());
    expect([pixels.width, pixels.height, worstDifference(pixels.data, photoPixels())]).toEqual([WIDTH, HEIGHT, 0]);
  });

  it.each([1, 8, 32, 100])("with size %i gives a square of it, in every encoding", async (size) => {
    for (const [name, bytes] of await everyEncoding()) {
      const { width, height, channels, data } = await decodeImage(bytes, { size });
      expect([name, width, height, channels, data.length]).toEqual([name, size, size, 3, size * size * 3]);
    }
  });

  it("with size cuts off the sides of a wide image and the ends of a tall one, equally", async () => {
    const wide = sharp(band("#000", 90, 30)).composite([{ input: band("#fff", 30, 30), left: 30, top: 0 }]);
    const square = await decodeImage(await wide.png().toBuffer(), { size: 30 });
    expect(new Set(square.data)).toEqual(new Set([255]));
    const tall = sharp(band("#000", 30, 90)).composite([{ input: band("#fff", 30, 30), left: 0, top: 30 }]);
    expect(new Set((await decodeImage(await tall.png().toBuffer(), { size: 30 })).data)).toEqual(new Set([255]));
  });

  it("with size turns the image upright first", async () => {
    const red = { create: { width: 20, height: 10, channels: 3 as const, background: "#f00" } };
    const halves = sharp({ create: { width: 20, height: 20, channels: 3, background: "#00f" } })
      .composite([{ input: red, left: 0, top: 0 }])
      .withMetadata({ orientation: 6 });
    // Stored with red on top and turned by 90 degrees clockwise: red on the right.
    const { data } = await decodeImage(await halves.jpeg({ quality: 100 }).toBuffer(), { size: 20 });
    const levels = (x: number): number[] => [...data.subarray((10 * 20 + x) * 3, (10 * 20 + x) * 3 + 3)];
    expect(levels(17)[0]).toBeGreaterThan(200);
    expect(levels(2)[2]).toBeGreaterThan(200);
  });

  it.each([0, -1, 1.5, Number.NaN, 100_000])("refuses size %d", async (size) => {
    const answer = decodeImage(await photo().png().toBuffer(), { size });
    await expect(answer).rejects.toMatchObject({ code: "OPTION", detail: { option: "size" } });
  });

  it("gives the same bytes on every run, in every thread, however many are in flight", async () => {
    const images = [...(await everyEncoding()).values()];
    const oneByOne: string[] = [];
    for (const bytes of images) oneByOne.push(hash((await decodeImage(bytes, { size: 20 })).data));
    const atOnce = await Promise.all(images.map(async (bytes) => hash((await decodeImage(bytes, { size: 20 })).data)));
    expect(atOnce).toEqual(oneByOne);
    const workers = [0, 1, 2].map(
      () => new Worker(new URL("decode-worker.mjs", import.meta.url), { workerData: { images, size: 20 } }),
    );
    const answers = await Promise.all(workers.map(async (worker) => (await once(worker, "message"))[0] as string[]));
    await Promise.all(workers.map((worker) => worker.terminate()));
    expect(answers).toEqual([oneByOne, oneByOne, oneByOne]);
  });
});
