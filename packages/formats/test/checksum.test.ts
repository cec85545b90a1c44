import { combineCrc32c, crc32c, crc32cPlain, crcText } from "@millrace/formats";
import { SEED } from "@millrace/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const text = (s: string): Uint8Array => new TextEncoder().encode(s);

describe("crc32c", () => {
  it.each([
    ["the check value of the catalogue of CRCs", text("123456789"), 0xe3069283],
    ["RFC 3720 B.4: 32 bytes of zeros", new Uint8Array(32), 0x8a9136aa],
    ["RFC 3720 B.4: 32 bytes of ones", new Uint8Array(32).fill(255), 0x62a8ab43],
    ["RFC 3720 B.4: 32 incrementing bytes", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ["nothing", new Uint8Array(0), 0],
  ])("gives the published value: %s", (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
    expect(crc32cPlain(bytes)).toBe(expected);
  });

  it("equals its plain twin, in one run or two, at any alignment and over shared memory", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), fc.nat(700), fc.nat(7), (bytes, cut, shift) => {
        const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 8), shift, bytes.length);
        shared.set(bytes);
        const at = Math.min(cut, bytes.length);
        const whole = crc32cPlain(bytes);
        expect(crc32c(shared)).toBe(whole);
        expect(crc32c(bytes.subarray(at), crc32c(bytes.subarray(0, at)))).toBe(whole);
        expect(crc32cPlain(bytes.subarray(at), crc32cPlain(bytes.subarray(0, at)))).toBe(whole);
      }),
      { seed: SEED },
    );
  });

  it("is written with eight digits", () => {
    expect(crcText(0xab)).toBe("0x000000ab");
  });
});

describe("combineCrc32c", () => {
  it("gives the CRC of two runs from those of each, whatever their lengths", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (a, b) => {
        const whole = crc32cPlain(Buffer.concat([a, b]));
        expect(combineCrc32c(crc32c(a), crc32c(b), b.length)).toBe(whole);
      }),
      { seed: SEED },
    );
  });

  it("is associative over runs as long as the largest files", () => {
    const length = fc.integer({ min: 0, max: 2 ** 51 });
    const crc = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(crc, crc, crc, length, length, (a, b, c, bBytes, cBytes) => {
        const left = combineCrc32c(combineCrc32c(a, b, bBytes), c, cBytes);
        expect(combineCrc32c(a, combineCrc32c(b, c, cBytes), bBytes + cBytes)).toBe(left);
      }),
      { seed: SEED },
    );
  });
});
