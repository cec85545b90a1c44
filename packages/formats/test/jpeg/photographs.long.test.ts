import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openOracle, skipReason, tempDir } from "@millrace/testkit";
import { expect, it } from "vitest";
import { expectEveryCrop, transcodeBoth } from "./checks.js";
import { decode, photo, random, type Decoded } from "./photos.js";
import type { JpegOptions } from "sharp";

const program = readFileSync(new URL("photographs.py", import.meta.url), "utf8");
const pillow = openOracle("pillow");
const PHOTOGRAPHS = 520;

interface Turbo {
  readonly FORMAT_RGB: number;
  decompressSync(bytes: Uint8Array, options: { format: number }): { data: Buffer; width: number; height: number };
}

function loadTurbo(): Turbo | undefined {
  try {
    return createRequire(new URL("../../../image/package.json", import.meta.url))("@julusian/jpeg-turbo") as Turbo;
  } catch {
    return undefined;
  }
}

const turbo = loadTurbo();
const noTurbo = skipReason(turbo !== undefined, "@julusian/jpeg-turbo", "install it where it has a prebuilt");

/** Decodes by libjpeg-turbo's fast path; `undefined` where it refuses: CMYK, odd samplings. */
function decodeByTurbo(bytes: Uint8Array): Decoded | undefined {
  if (turbo === undefined) return undefined;
  try {
    const { data, width, height } = turbo.decompressSync(bytes, { format: turbo.FORMAT_RGB });
    return { data, width, height, channels: 3 };
  } catch {
    return undefined;
  }
}

function turboOrThrow(bytes: Uint8Array): Promise<Decoded> {
  const image = decodeByTurbo(bytes);
  return image === undefined ? Promise.reject(new Error("turbo refuses the crop")) : Promise.resolve(image);
}

it.skipIf(pillow.skip ?? noTurbo)(
  "photographs of all kinds keep every pixel in sharp, turbo and Pillow, whole and in crops",
  { timeout: 300_000 },
  async () => {
    const folder = tempDir();
    pillow.run(program, "make", folder, String(PHOTOGRAPHS));
    let byTurbo = 0;
    for (let i = 0; i < PHOTOGRAPHS; i++) {
      const name = String(i).padStart(5, "0");
      const source = readFileSync(join(folder, `${name}.jpg`));
      const made = transcodeBoth(source, { tables: i % 2 === 0 ? "optimised" : "source" });
      if (made.kind === "refused") throw new Error(`${name}: ${made.reason}: ${made.problem}`);
      writeFileSync(join(folder, `${name}.seekable.jpg`), made.bytes);
      const whole = await decode(source);
      expect([name, (await decode(made.bytes)).data.equals(whole.data)]).toEqual([name, true]);
      await expectEveryCrop(made, whole, 2, random(i));
      const fast = decodeByTurbo(source);
      expect(decodeByTurbo(made.bytes)?.data.equals(fast?.data ?? Buffer.alloc(0))).toBe(
        fast === undefined ? undefined : true,
      );
      if (fast === undefined) continue;
      await expectEveryCrop(made, fast, 3, random(i), turboOrThrow);
      byTurbo++;
    }
    expect(pillow.run(program, "compare", folder).trim()).toBe(String(PHOTOGRAPHS));
    expect(byTurbo).toBeGreaterThan(400);
  },
);

it("photographs by sharp and mozjpeg keep every pixel, whole and in crops", { timeout: 300_000 }, async () => {
  const kinds: readonly (JpegOptions & { grey?: boolean })[] = [
    { chromaSubsampling: "4:2:0" },
    { chromaSubsampling: "4:4:4" },
    { progressive: true },
    { mozjpeg: true },
    { mozjpeg: true, chromaSubsampling: "4:4:4", quality: 50 },
    { optimiseCoding: false },
    { grey: true, progressive: true },
  ];
  for (let i = 0; i < 84; i++) {
    const source = await photo(i, 1 + ((i * 37) % 301), 1 + ((i * 53) % 211), kinds[i % kinds.length] ?? {});
    const made = transcodeBoth(source, { tables: i % 2 === 0 ? "optimised" : "source" });
    if (made.kind === "refused") throw new Error(`${i}: ${made.reason}: ${made.problem}`);
    const whole = await decode(source);
    expect([i, (await decode(made.bytes)).data.equals(whole.data)]).toEqual([i, true]);
    await expectEveryCrop(made, whole, 4, random(i));
  }
});
