import { count, SEED } from "@millrace/testkit";
import sharp from "sharp";
import { expect, it } from "vitest";
import { transcodeBoth } from "./checks.js";
import { oddJpeg } from "./odd-jpeg.js";
import { photo, random } from "./photos.js";

async function sources(): Promise<readonly Uint8Array[]> {
  return [
    await photo(1, 72, 56),
    await photo(2, 72, 56, { chromaSubsampling: "4:4:4", optimiseCoding: false }),
    await photo(3, 72, 56, { progressive: true }),
    await photo(4, 64, 64, { mozjpeg: true }),
    await photo(5, 80, 40, { grey: true, progressive: true }),
    oddJpeg({
      width: 60,
      height: 50,
      factors: [
        [2, 1],
        [1, 1],
        [1, 1],
      ],
      interval: 3,
    }),
    oddJpeg({
      width: 60,
      height: 50,
      factors: [
        [2, 2],
        [1, 1],
        [1, 1],
      ],
      scans: [[0], [1], [2]],
    }),
  ];
}

/** Cuts, flips bits anywhere or in the header, overwrites a stretch. */
function damage(source: Uint8Array, next: () => number): Uint8Array {
  const bytes = Uint8Array.from(source);
  const place = (limit: number): number => Math.floor(next() * limit);
  const kind = place(4);
  if (kind === 0) return bytes.subarray(0, place(bytes.length));
  if (kind === 3) {
    const at = place(bytes.length);
    for (let i = at; i < Math.min(at + 1 + place(16), bytes.length); i++) bytes[i] = place(256);
    return bytes;
  }
  for (let i = 1 + place(3); i > 0; i--) {
    const at = place(kind === 1 ? bytes.length : Math.min(700, bytes.length));
    bytes[at] = (bytes[at] as number) ^ (1 << place(8));
  }
  return bytes;
}

/** Pixels as a lenient decoder sees them; `undefined` if it sees none. */
async function lenient(bytes: Uint8Array): Promise<Buffer | undefined> {
  try {
    return await sharp(bytes, { failOn: "none", ignoreIcc: true }).raw().toBuffer();
  } catch {
    return undefined;
  }
}

it("damaged files are refused by value, or keep the pixels that decoders make of them; both coders agree", async () => {
  const originals = await sources();
  const next = random(SEED);
  let refused = 0;
  let compared = 0;
  for (let i = 0; i < count(700, 14_000); i++) {
    const bytes = damage(originals[i % originals.length] as Uint8Array, next);
    const made = transcodeBoth(bytes, { tables: i % 3 === 0 ? "source" : "optimised", maxPixels: 2 ** 20 });
    if (made.kind === "refused") {
      refused++;
      continue;
    }
    const [before, after] = await Promise.all([lenient(bytes), lenient(made.bytes)]);
    if (before === undefined || after === undefined) continue;
    expect([SEED, i, before.equals(after)]).toEqual([SEED, i, true]);
    compared++;
  }
  expect(refused).toBeGreaterThan(200);
  expect(compared).toBeGreaterThan(50);
});

it("every truncation is refused", async () => {
  const source = oddJpeg({ width: 24, height: 16, factors: [[1, 1]] });
  for (let length = 0; length < source.length; length++)
    expect(transcodeBoth(source.subarray(0, length)).kind).toBe("refused");
});
