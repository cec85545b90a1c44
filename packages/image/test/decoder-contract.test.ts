import { isMillraceError } from "@millrace/formats";
import { createDecoder, DECODERS, imageHeader, type Decoder, type DecoderName, type Pixels } from "@millrace/image";
import { count, skipReason } from "@millrace/testkit";
import { readdirSync, readFileSync } from "node:fs";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { everyEncoding, photo, worstDifference } from "./sample-images.js";

const FIXTURES = new URL("../../../fixtures/jpeg/", import.meta.url);
/** Where a fixture's own pixels would be lost, sharp decodes it for all. */
const LEFT_TO_SHARP = ["cmyk.jpg"];

const fixtures = new Map(
  readdirSync(FIXTURES)
    .filter((name) => name.endsWith(".jpg"))
    .map((name) => [name, readFileSync(new URL(name, FIXTURES))]),
);
const reference = createDecoder({ decoder: "sharp" });

/** Signal to noise in decibels, over all levels. */
function psnr(a: Uint8Array, b: Uint8Array): number {
  const sum = a.reduce((total, level, i) => total + (level - (b[i] as number)) ** 2, 0);
  return 10 * Math.log10(255 ** 2 / (sum / a.length));
}

/** Pixels or the reason of the ImageError, which must name the key. Any other error is passed on. */
async function outcome(decoder: Decoder, bytes: Uint8Array): Promise<Pixels | string> {
  try {
    return await decoder.decode(bytes, { key: "cat/1.jpg" });
  } catch (error) {
    if (!isMillraceError(error, "IMAGE") || error.detail.key !== "cat/1.jpg") throw error;
    return error.detail.reason as string;
  }
}

/** A JPEG without its segments of some markers. */
function without(bytes: Buffer, markers: readonly number[]): Buffer {
  const parts = [bytes.subarray(0, 2)];
  let at = 2;
  while (bytes[at + 1] !== 0xda) {
    const end = at + 2 + bytes.readUInt16BE(at + 2);
    if (!markers.includes(bytes[at + 1] as number)) parts.push(bytes.subarray(at, end));
    at = end;
  }
  return Buffer.concat([...parts, bytes.subarray(at)]);
}

/** Whether two outcomes are the same pixels, or the same reason. */
function isSame(a: Pixels | string, b: Pixels | string): boolean {
  if (typeof a === "string" || typeof b === "string") return a === b;
  return a.width === b.width && a.channels === b.channels && Buffer.compare(a.data, b.data) === 0;
}

const segment = (marker: number, data: readonly number[]): Buffer =>
  Buffer.from([0xff, marker, 0, data.length + 2, ...data]);
const repeat = (value: number, length: number): number[] => Array.from({ length }, () => value);

/** A flat baseline JPEG of 8 x 8 pixels, 4:4:4, with a scan for each component. */
function threeScans(): Buffer {
  const [components, counts] = [
    [1, 2, 3],
    [1, ...repeat(0, 15)],
  ];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, [0, ...repeat(1, 64)]),
    segment(0xc0, [8, 0, 8, 0, 8, 3, ...components.flatMap((id) => [id, 0x11, 0])]),
    // One code of one bit in each table, "0": no difference in the one, end of block in the other.
    segment(0xc4, [0x00, ...counts, 0]),
    segment(0xc4, [0x10, ...counts, 0]),
    ...components.map((id) => Buffer.concat([segment(0xda, [1, id, 0, 0, 63, 0]), Buffer.from([0x3f])])),
    Buffer.from([0xff, 0xd9]),
  ]);
}

/** A JPEG with another frame marker, precision or size: the frame header is FF, marker, length, precision, size. */
function reframed(bytes: Buffer, change: (frame: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  change(copy.subarray(copy.indexOf(Buffer.from([0xff, 0xc0]))));
  return copy;
}

function reason(name: DecoderName): string | undefined {
  const problem = reference.candidates.find((candidate) => candidate.name === name)?.problem;
  return skipReason(problem === undefined, `the decoder ${name}`, problem ?? "");
}

describe.each(DECODERS.map((name) => ({ name, skip: reason(name) })))("the decoder $name", ({ name, skip }) => {
  it.skipIf(skip !== undefined)(
    "gives sharp's pixels, or those of the fast DCT, for every encoding and sampling",
    async () => {
      const decoder = createDecoder({ decoder: name });
      expect(decoder.name).toBe(name);
      for (const [file, bytes] of [...fixtures, ...(await everyEncoding())]) {
        const expected = await reference.decode(bytes);
        const { width, height } = imageHeader(bytes);
        const answer = decoder.decode(bytes);
        const isLeft = name === "sharp" || LEFT_TO_SHARP.includes(file) || !/jpg|^jpeg(?! cmyk)/u.test(file);
        expect([file, answer instanceof Promise]).toEqual([file, isLeft]);
        const pixels = await answer;
        expect([file, pixels.width, pixels.height, pixels.channels]).toEqual([file, width, height, 3]);
        const worst = worstDifference(pixels.data, expected.data);
        expect([file, worst <= (isLeft ? 0 : 22)]).toEqual([file, true]);
        expect([file, isLeft || psnr(pixels.data, expected.data) > 37]).toEqual([file, true]);
      }
    },
  );

  it.skipIf(skip !== undefined)("writes into the memory it is given, and nothing behind the pixels", async () => {
    const decoder = createDecoder({ decoder: name });
    for (const [file, bytes] of fixtures) {
      const { width, height } = imageHeader(bytes);
      const shared = new SharedArrayBuffer(width * height * 3 + 100);
      const into = new Uint8Array(shared, 3, width * height * 3 + 50).fill(0xa5);
      const pixels = await decoder.decode(bytes, { into });
      expect([file, pixels.data.buffer === shared, pixels.data.byteOffset]).toEqual([file, true, 3]);
      expect(isSame(pixels, await decoder.decode(bytes))).toBe(true);
      expect(new Set(into.subarray(width * height * 3))).toEqual(new Set([0xa5]));
      const tooSmall = async (): Promise<Pixels> => decoder.decode(bytes, { into: into.subarray(51) });
      await expect(tooSmall()).rejects.toMatchObject({ code: "OPTION", detail: { option: "into" } });
    }
  });

  it.skipIf(skip !== undefined)("gives one channel if asked, as sharp weighs it", async () => {
    const decoder = createDecoder({ decoder: name });
    for (const [file, bytes] of fixtures) {
      const [pixels, expected] = [
        await decoder.decode(bytes, { channels: 1 }),
        await reference.decode(bytes, { channels: 1 }),
      ];
      expect([file, pixels.channels, worstDifference(pixels.data, expected.data) <= 22]).toEqual([file, 1, true]);
    }
  });

  it.skipIf(skip !== undefined)("turns images upright, and converts colours that are not sRGB", async () => {
    const decoder = createDecoder({ decoder: name });
    const images = [2, 3, 4, 5, 6, 7, 8].map((orientation) => photo().withMetadata({ orientation }).jpeg());
    for (const image of [...images, photo().withIccProfile("p3").jpeg()]) {
      const bytes = await image.toBuffer();
      expect(isSame(await decoder.decode(bytes), await reference.decode(bytes))).toBe(true);
    }
  });

  it.skipIf(skip !== undefined)("takes an upright image and a profile of sRGB as they are", async () => {
    const decoder = createDecoder({ decoder: name });
    const plain = (await decoder.decode(await photo().jpeg().toBuffer())).data;
    for (const image of [
      photo().withMetadata({ orientation: 1 }),
      photo().withIccProfile("srgb"),
      photo().keepExif(),
    ]) {
      const answer = decoder.decode(await image.jpeg().toBuffer());
      expect(answer instanceof Promise).toBe(name === "sharp");
      expect(worstDifference((await answer).data, plain)).toBeLessThanOrEqual(name === "sharp" ? 2 : 0);
    }
  });

  it.skipIf(skip !== undefined)("never takes the tables of the image before for one that lacks its own", async () => {
    const bytes = await photo().jpeg({ quality: 95 }).toBuffer();
    const other = await photo().jpeg({ quality: 30 }).toBuffer();
    const [quantisation, huffman] = [0xdb, 0xc4];
    for (const lacking of [without(bytes, [quantisation]), without(bytes, [huffman])]) {
      const fresh = await outcome(createDecoder({ decoder: name }), lacking);
      for (const before of [bytes, other]) {
        const decoder = createDecoder({ decoder: name });
        await decoder.decode(before);
        expect(isSame(await outcome(decoder, lacking), fresh)).toBe(true);
      }
    }
    expect(await outcome(createDecoder({ decoder: name }), without(bytes, [quantisation]))).toBe("corrupt");
  });

  it.skipIf(skip !== undefined)("names what it cannot decode, with its key, and gives no pixels", async () => {
    const decoder = createDecoder({ decoder: name });
    const bytes = fixtures.get("420.jpg") as Buffer;
    const huge = reframed(bytes, (frame) => frame.fill(0xff, 5, 9));
    expect(imageHeader(huge)).toEqual({ encoding: "jpeg", width: 65_535, height: 65_535 });
    expect(await outcome(decoder, huge)).toBe("too-large");
    const trusted = async (): Promise<Pixels> => decoder.decode(huge, { maxPixels: 2 ** 33, into: new Uint8Array(9) });
    await expect(trusted()).rejects.toMatchObject({ code: expect.stringMatching(/^(IMAGE|WORKER)$/u) });
    const [twelveBits, lossless, arithmetic] = [
      reframed(bytes, (frame) => frame.writeUInt8(12, 4)),
      reframed(bytes, (frame) => frame.writeUInt8(0xc3, 1)),
      reframed(bytes, (frame) => frame.writeUInt8(0xc9, 1)),
    ];
    expect(["unsupported", "corrupt", "truncated"]).toContain(await outcome(decoder, twelveBits));
    // Huffman codes in the place of arithmetic ones may well be a valid stream: sharp says, for all decoders.
    for (const odd of [twelveBits, lossless, arithmetic])
      expect(isSame(await outcome(decoder, odd), await outcome(reference, odd))).toBe(true);
    const scan = bytes.indexOf(Buffer.from([0xff, 0xda]));
    for (let length = 2; length < bytes.length; length += count(61, 5))
      expect([length, await outcome(decoder, bytes.subarray(0, length))]).toEqual([length, "truncated"]);
    for (const part of [0.2, 0.5, 0.8]) {
      const cut = bytes.subarray(0, scan + Math.floor((bytes.length - scan) * part));
      expect(await outcome(decoder, Buffer.concat([cut, Buffer.from([0xff, 0xd9])]))).toBe("truncated");
    }
    expect(await outcome(decoder, new Uint8Array(0))).toBe("empty");
  });
});

/** The image with some bits flipped, the same for the same number. */
function damaged(bytes: Buffer, number: number): Buffer {
  const copy = Buffer.from(bytes);
  for (let i = 0; i <= number % 3; i++) {
    const at = 2 + ((number * 7919 + i * 104_729) % (copy.length - 2));
    copy[at] = (copy[at] as number) ^ (1 << ((number + i) & 7));
  }
  return copy;
}

const [turbo, wasm] = [reason("turbo"), reason("wasm")];

const open = (): Decoder[] => [createDecoder({ decoder: "turbo" }), createDecoder({ decoder: "wasm" })];

describe.skipIf(turbo !== undefined || wasm !== undefined)("turbo and wasm", () => {
  it.runIf(process.arch === "x64")("give the same pixels on x64", async () => {
    for (const [name, bytes] of fixtures) {
      const [a, b] = await Promise.all(open().map(async (decoder) => decoder.decode(bytes)));
      expect([name, worstDifference((a as Pixels).data, (b as Pixels).data)]).toEqual([name, 0]);
    }
  });

  it("say pixels or an ImageError of a damaged image, the same each time, and decode the next image as ever", async () => {
    const withProfile = await photo().withIccProfile("srgb").withMetadata({ orientation: 1 }).jpeg().toBuffer();
    const images = [...fixtures.values(), withProfile];
    for (const decoder of open()) {
      const whole = await decoder.decode(withProfile);
      for (let number = 0; number < count(60, 1500); number++) {
        const image = damaged(images[number % images.length] as Buffer, number);
        expect([number, isSame(await outcome(decoder, image), await outcome(decoder, image))]).toEqual([number, true]);
        expect(number % 10 > 0 || isSame(await decoder.decode(withProfile), whole)).toBe(true);
      }
    }
  });
});

/** Whether sharp decodes a JPEG, and a JPEG that repeats its last scan 120 times. */
async function leftToSharp(bytes: Buffer): Promise<boolean[]> {
  const last = bytes.lastIndexOf(Buffer.from([0xff, 0xda]));
  const scans = Array.from({ length: 120 }, () => bytes.subarray(last, -2));
  const decoder = createDecoder({ decoder: "turbo" });
  const found: boolean[] = [];
  for (const image of [bytes, Buffer.concat([bytes.subarray(0, -2), ...scans, bytes.subarray(-2)])]) {
    const answer = decoder.decode(image);
    found.push(answer instanceof Promise);
    await Promise.resolve(answer).catch(() => undefined);
  }
  return found;
}

describe.skipIf(turbo !== undefined)("a JPEG of more scans than any encoder writes", () => {
  it("is left to sharp if it is progressive", async () => {
    expect(await leftToSharp(await photo().jpeg({ progressive: true }).toBuffer())).toEqual([false, true]);
  });

  it("is left to sharp if it is sequential with a scan for each component", async () => {
    expect(await leftToSharp(threeScans())).toEqual([false, true]);
  });

  it("is no such thing if its first scan has all components, behind which nothing is read", async () => {
    const bytes = await photo().jpeg().toBuffer();
    const decoder = createDecoder({ decoder: "turbo" });
    const trailing = Buffer.concat([bytes, ...Array.from({ length: 120 }, () => Buffer.from([0xff, 0xda]))]);
    expect(decoder.decode(trailing)).not.toBeInstanceOf(Promise);
  });
});

it("an image is decoded by the same bytes' decoder whatever the file is called, again and again", async () => {
  const decoder = createDecoder();
  const png = await sharp({ create: { width: 3, height: 2, channels: 3, background: "#204060" } })
    .png()
    .toBuffer();
  for (const bytes of [...fixtures.values(), png]) {
    const first = await decoder.decode(bytes, { file: "a.jpg" });
    for (let i = 0; i < 3; i++) expect(isSame(await decoder.decode(bytes, { file: "b.png" }), first)).toBe(true);
  }
});
