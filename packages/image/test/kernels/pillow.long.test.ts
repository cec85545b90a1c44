import { writeFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { count, openOracle, tempDir } from "@millrace/testkit";
import { describe, expect, it } from "vitest";
import { noise, Workbench, type JobSpec } from "./workbench.js";

const oracle = openOracle("pillow");

/** Each case: crops the box's whole pixels, as the kernels see nothing outside of them, and resizes the rest of the box. */
const PROGRAM = `
import json, math, sys
import numpy as np
from PIL import Image
folder = sys.argv[1]
for case in json.load(open(folder + "/cases.json")):
    shape = (case["height"], case["width"]) + ((3,) if case["channels"] == 3 else ())
    pixels = np.fromfile(f"{folder}/{case['id']}.source", dtype=np.uint8).reshape(shape)
    x, y, w, h = case["box"]
    left, top, right, bottom = math.floor(x), math.floor(y), math.ceil(x + w), math.ceil(y + h)
    image = Image.fromarray(pixels).crop((left, top, right, bottom))
    image = image.resize(tuple(case["out"]), resample=Image.Resampling.BILINEAR,
                         box=(x - left, y - top, x - left + w, y - top + h), reducing_gap=None)
    np.asarray(image).tofile(f"{folder}/{case['id']}.result")
`;

/** Repeatable numbers in [0, 1). */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function makeCases(cases: number): JobSpec[] {
  const random = uniform(42);
  const upTo = (most: number): number => 1 + Math.floor(random() * most);
  return Array.from({ length: cases }, (_, i) => {
    const [width, height] = [upTo(i % 5 === 0 ? 900 : 120), upTo(i % 5 === 0 ? 700 : 120)];
    const whole = i % 3 !== 0;
    const x = random() * (width - 1);
    const y = random() * (height - 1);
    const w = 1 + random() * (width - 1 - x);
    const h = 1 + random() * (height - 1 - y);
    const box = whole
      ? { x: Math.floor(x), y: Math.floor(y), width: Math.floor(w), height: Math.floor(h) }
      : { x, y, width: w, height: h };
    return {
      width,
      height,
      channels: i % 4 === 0 ? 1 : 3,
      flip: false,
      dtype: "uint8",
      box: i % 7 === 0 ? { x: 0, y: 0, width, height } : box,
      outWidth: upTo(230),
      outHeight: upTo(230),
    };
  });
}

describe.skipIf(oracle.skip)("Pillow's resize(box=..., resample=BILINEAR, reducing_gap=None)", () => {
  it("is within one level of both kernels", () => {
    const folder = tempDir();
    const cases = makeCases(count(40, 400));
    const sources = cases.map((spec, id) => noise(spec.width * spec.height * spec.channels, id + 1));
    sources.forEach((pixels, id) => writeFileSync(join(folder, `${id}.source`), pixels));
    const listing = cases.map(({ width, height, channels, box, outWidth, outHeight }, id) => {
      return { id, width, height, channels, box: [box.x, box.y, box.width, box.height], out: [outWidth, outHeight] };
    });
    writeFileSync(join(folder, "cases.json"), JSON.stringify(listing));
    oracle.run(PROGRAM, folder);
    const bench = new Workbench();
    let differing = 0;
    let elements = 0;
    cases.forEach((spec, id) => {
      const expected = readFileSync(join(folder, `${id}.result`));
      const pixels = sources[id] as Uint8Array;
      const output = bench.run("simd", spec, pixels);
      expect(output.length).toBe(expected.length);
      expect(Buffer.compare(bench.run("plain", spec, pixels), output)).toBe(0);
      let worst = 0;
      output.forEach((level, i) => {
        const difference = Math.abs(level - (expected[i] as number));
        if (difference > 0) differing++;
        worst = Math.max(worst, difference);
      });
      elements += output.length;
      expect([spec, worst > 1]).toEqual([spec, false]);
    });
    // Pillow rounds to uint8 between its passes; noise shows it most.
    expect(differing / elements).toBeLessThan(0.2);
  });
});
