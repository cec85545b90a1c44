import { isMillraceError } from "@millrace/formats";
import {
  decodeImage,
  DEFAULT_MAX_PIXELS,
  imageHeader,
  REJECT_REASONS,
  type Pixels,
  type RejectReason,
} from "@millrace/image";
import { count } from "@millrace/testkit";
import { describe, expect, it } from "vitest";
import { everyEncoding, photo } from "./sample-images.js";

/** The reason of the error, or the pixels. Any other error is passed on. */
async function outcome(bytes: Uint8Array, options = {}): Promise<string | Pixels> {
  try {
    return await decodeImage(bytes, options);
  } catch (error) {
    if (!isMillraceError(error, "IMAGE")) throw error;
    if (!REJECT_REASONS.includes(error.detail.reason as RejectReason)) throw error;
    return error.detail.reason as string;
  }
}

const png = (): Promise<Buffer> => photo().png().toBuffer();

describe("an image that cannot be decoded says why", () => {
  it("and which it is: empty", async () => {
    const answer = decodeImage(new Uint8Array(0), { file: "photos/cat/1.jpg", key: "cat/1.jpg" });
    await expect(answer).rejects.toMatchObject({
      code: "IMAGE",
      message: /^photos\/cat\/1\.jpg, key cat\/1\.jpg: has no bytes/u,
      detail: { reason: "empty", file: "photos/cat/1.jpg", key: "cat/1.jpg" },
    });
  });

  it("a text file named .jpg is unsupported, and the error shows how it begins", async () => {
    const text = Buffer.from("Lorem ipsum\u0007 dolor sit amet");
    await expect(decodeImage(text, { file: "a.jpg" })).rejects.toMatchObject({
      message: /^a\.jpg: is not an image of a known encoding.*4c 6f 72 65 6d/u,
      detail: { reason: "unsupported" },
    });
    await expect(decodeImage(Buffer.from("<!DOCTYPE html>\n<html>"))).rejects.toMatchObject({
      message: /found the text "<!DOCTYPE html>/u,
      detail: { reason: "unsupported" },
    });
  });

  it("SVG, BMP, PDF and zeros are unsupported", async () => {
    const bmp = Buffer.alloc(100);
    bmp.write("BM");
    bmp.writeUInt32LE(40, 14);
    bmp.writeInt32LE(5, 18);
    bmp.writeInt32LE(-6, 22);
    expect(imageHeader(bmp)).toEqual({ encoding: "bmp", width: 5, height: 6 });
    const svg = Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>");
    for (const bytes of [bmp, svg, Buffer.from("%PDF-1.7\n%....."), Buffer.alloc(5000)])
      expect(await outcome(bytes)).toBe("unsupported");
  });

  it("a huge announced size is too-large, before anything is decoded", async () => {
    const huge = Buffer.from(await png());
    huge.writeUInt32BE(2 ** 31 - 1, 16);
    huge.writeUInt32BE(2 ** 31 - 1, 20);
    await expect(decodeImage(huge)).rejects.toMatchObject({
      message: new RegExp(
        `expected at most ${DEFAULT_MAX_PIXELS}, found 2147483647 x 2147483647.*raise maxPixels`,
        "u",
      ),
      detail: { reason: "too-large" },
    });
    for (const [name, bytes] of await everyEncoding()) {
      expect([name, await outcome(bytes, { maxPixels: 48 * 32 - 1 })]).toEqual([name, "too-large"]);
      expect([name, typeof (await outcome(bytes, { maxPixels: 48 * 32 }))]).toEqual([name, "object"]);
    }
  });

  it("flipped header bits are corrupt or another reason, never a foreign error", async () => {
    for (const [, bytes] of await everyEncoding()) {
      const step = count(23, 4);
      for (let bit = 0; bit < Math.min(bytes.length, 200) * 8; bit += step * 3) {
        const damaged = Buffer.from(bytes);
        damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
        await outcome(damaged);
      }
    }
    const crc = Buffer.from(await png());
    crc[30] = (crc[30] as number) ^ 1;
    expect(await outcome(crc)).toBe("corrupt");
  });
});

describe("a truncated image", () => {
  it("is truncated wherever it is cut, with and without size, in every encoding", async () => {
    for (const [name, bytes] of await everyEncoding()) {
      const step = Math.max(1, Math.floor(bytes.length / count(9, 150)));
      // Before its fifth byte an AVIF looks like anything.
      const first = name === "avif" ? 5 : 1;
      // The last bytes of a GIF end no data: without them, all pixels are there.
      const end = name === "gif" ? bytes.length - 2 : bytes.length;
      for (let length = first; length < end; length += step) {
        for (const size of [undefined, 8]) {
          const answer = await outcome(bytes.subarray(0, length), { size });
          expect([name, length, size, answer]).toEqual([name, length, size, "truncated"]);
        }
      }
    }
  });

  it("is truncated in its last bytes too", async () => {
    for (const [name, bytes] of await everyEncoding()) {
      if (!/jpeg|png|webp/u.test(name)) continue;
      for (let missing = 1; missing <= 12; missing++)
        expect([name, missing, await outcome(bytes.subarray(0, -missing))]).toEqual([name, missing, "truncated"]);
    }
  });

  it("is truncated if a JPEG's scan was cut and closed by an end marker, and not half grey", async () => {
    const bytes = await photo().resize(480, 320).jpeg({ quality: 90 }).toBuffer();
    const scan = bytes.indexOf(Buffer.from([0xff, 0xda]));
    for (const fraction of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      const cut = scan + Math.floor((bytes.length - scan) * fraction);
      const closed = Buffer.concat([bytes.subarray(0, cut), Buffer.from([0xff, 0xd9])]);
      for (const size of [undefined, 64])
        expect([fraction, await outcome(closed, { size })]).toEqual([fraction, "truncated"]);
    }
  });
});

it("stray bytes that leave the pixels right are accepted", async () => {
  const jpeg = await photo().jpeg().toBuffer();
  const whole = (await outcome(jpeg)) as Pixels;
  const quantisation = jpeg.indexOf(Buffer.from([0xff, 0xdb]));
  const stray = Buffer.concat([jpeg.subarray(0, quantisation), Buffer.from([1, 2, 3]), jpeg.subarray(quantisation)]);
  const trailing = Buffer.concat([jpeg, Buffer.from("trailing rubbish")]);
  for (const bytes of [stray, trailing]) expect(((await outcome(bytes)) as Pixels).data).toEqual(whole.data);
  const png16 = Buffer.concat([await png(), Buffer.alloc(7)]);
  expect(typeof (await outcome(png16))).toBe("object");
});
