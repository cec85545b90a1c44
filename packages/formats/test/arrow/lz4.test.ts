import { isMillraceError, openFormat } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { CompressionType } from "apache-arrow/fb/compression-type";
import { BodyCompression, BufferRegion, FieldNode, Message, RecordBatch } from "apache-arrow/ipc/metadata/message";
import { Field, Schema } from "apache-arrow/schema";
import { Uint8 } from "apache-arrow/type";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const arrow = await openFormat("arrow");

/** A message with its length before it and padding to a multiple of 8 behind it. */
function envelope(message: Uint8Array): Buffer {
  const padded = Math.ceil(message.length / 8) * 8;
  const bytes = Buffer.alloc(8 + padded);
  bytes.writeInt32LE(-1, 0);
  bytes.writeInt32LE(padded, 4);
  bytes.set(message, 8);
  return bytes;
}

/** What a stream gives whose one column of `rows` bytes is this frame; `undefined` if it is found damaged. */
async function decode(frame: Uint8Array, rows: number): Promise<string | undefined> {
  const schema = new Schema([new Field("byte", new Uint8(), false)]);
  const body = Buffer.concat([Buffer.alloc(8), frame]);
  body.writeBigInt64LE(BigInt(rows), 0);
  const regions = [new BufferRegion(0, 0), new BufferRegion(0, body.length)];
  const compression = new BodyCompression(CompressionType.LZ4_FRAME);
  const batch = new RecordBatch(rows, [new FieldNode(rows, 0)], regions, compression);
  const path = join(tempDir(), "lz4.arrows");
  const end = Buffer.from(Int32Array.of(-1, 0).buffer);
  const messages = [Message.from(schema), Message.from(batch, body.length)].map((message) =>
    envelope(Message.encode(message)),
  );
  writeFileSync(path, Buffer.concat([...messages, body, end]));
  const reader = await arrow.openReader(path);
  try {
    return Array.from({ length: rows }, (_, row) =>
      String.fromCodePoint((reader.readField(row, "byte") as Uint8Array)[0] ?? 0),
    ).join("");
  } catch (error) {
    if (isMillraceError(error, "CORRUPT_SHARD")) return undefined;
    throw error;
  } finally {
    reader.close();
  }
}

/** A text whose XXH32 is known; from the tests of github.com/Cyan4973/xxHash. */
const TEXT = "Nobody inspects the spammish repetition";
const TEXT_XXH32 = 0xe2293b2f;

/** A frame with every checksum that a frame can have, and its content as it is. */
function storedFrame(headerChecksum: number): Buffer {
  const frame = Buffer.alloc(15 + 4 + TEXT.length + 4 + 4 + 4);
  frame.writeUInt32LE(0x184d2204, 0);
  frame[4] = 0x7c;
  frame[5] = 0x40;
  frame.writeBigUInt64LE(BigInt(TEXT.length), 6);
  frame[14] = headerChecksum;
  frame.writeUInt32LE((TEXT.length | 0x80000000) >>> 0, 15);
  frame.write(TEXT, 19, "latin1");
  frame.writeUInt32LE(TEXT_XXH32, 19 + TEXT.length);
  frame.writeUInt32LE(TEXT_XXH32, frame.length - 4);
  return frame;
}

/** A frame of one block without checksums but that of its header. */
function frameOf(block: readonly number[]): Buffer {
  const size = Buffer.from(Uint32Array.of(block.length).buffer);
  return Buffer.concat([Buffer.from("04224d18604082", "hex"), size, Uint8Array.from(block), Buffer.alloc(4)]);
}

const letters = (text: string): number[] => [...Buffer.from(text, "latin1")];

describe("an LZ4 frame with checksums", () => {
  it("is read with one checksum of its header, and found damaged with any bit of it flipped", async () => {
    const right: number[] = [];
    for (let checksum = 0; checksum < 256; checksum++)
      if ((await decode(storedFrame(checksum), TEXT.length)) === TEXT) right.push(checksum);
    expect(right.length).toBe(1);
    const frame = storedFrame(right[0] as number);
    const endings = new Set<string | undefined>();
    for (let at = 0; at < frame.length; at++) {
      const damaged = Buffer.from(frame);
      damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
      endings.add(await decode(damaged, TEXT.length));
    }
    for (let length = 0; length < frame.length; length++) endings.add(await decode(frame.subarray(0, length), 39));
    expect([...endings]).toEqual([undefined]);
  });
});

describe("an LZ4 block", () => {
  it.each([
    ["literals alone", [0x30, ...letters("abc")], "abc"],
    ["a match", [0x32, ...letters("abc"), 3, 0, 0x10, ...letters("!")], "abcabcabc!"],
    [
      "a match that repeats what it makes",
      [0x1f, ...letters("a"), 1, 0, 30, 0x10, ...letters("!")],
      `${"a".repeat(50)}!`,
    ],
    [
      "a long match of two letters",
      [0x2f, ...letters("ab"), 2, 0, 255, 1, 0x10, ...letters("!")],
      `${"ab".repeat(138)}a!`,
    ],
    ["many literals", [0xf0, 35, ...letters("0123456789".repeat(5))], "0123456789".repeat(5)],
  ])("of %s is decoded", async (_, block, text) => {
    expect(await decode(frameOf(block), text.length)).toBe(text);
  });

  it.each([
    ["reaches before its beginning", [0x12, ...letters("a"), 2, 0, 0x10, ...letters("!")]],
    ["reaches nowhere", [0x12, ...letters("a"), 0, 0, 0x10, ...letters("!")]],
    ["is longer than what is asked for", [0x1f, ...letters("a"), 1, 0, 255, 255, 0, 0x10, ...letters("!")]],
    ["has fewer literals than it says", [0x70, ...letters("abc")]],
    ["ends in the length of its literals", [0xf0, 255]],
    ["ends in the length of a match", [0x1f, ...letters("a"), 1, 0]],
    ["ends in the offset of a match", [0x10, ...letters("a"), 1]],
    ["ends in a match", [0x12, ...letters("a"), 1, 0]],
  ])("that %s is damaged", async (_, block) => {
    expect(await decode(frameOf(block), 8)).toBeUndefined();
  });
});
