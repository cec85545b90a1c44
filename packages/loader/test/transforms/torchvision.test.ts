import { createKernels, createMemory, scratchBytes } from "@millrace/image";
import type { Transform } from "@millrace/loader";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkTransform } from "../../dist/transforms/check-transform.js";
import { createGeometry } from "../../dist/transforms/geometry.js";
import { placeImage, planTransforms } from "../../dist/transforms/plan.js";
import { TransformRandom } from "../../dist/transforms/transform-random.js";
import { applyColour, type ColourTransform } from "../../dist/transforms/transform.js";

interface Place {
  readonly offset: number;
  readonly shape: readonly [height: number, width: number, channels: 3];
  readonly dtype: "uint8" | "float32" | "float16";
}

interface Case {
  readonly name: string;
  readonly input: string;
  readonly transforms: readonly Transform[];
  /** What the transforms draw. */
  readonly draws: readonly number[];
  readonly output: Place;
}

interface Listing {
  readonly inputs: Readonly<Record<string, Place>>;
  readonly cases: readonly Case[];
}

const folder = new URL("../../../../fixtures/torchvision/", import.meta.url);
const listing = JSON.parse(readFileSync(new URL("cases.json", folder), "utf8")) as Listing;
const blob = readFileSync(new URL("cases.bin", folder));

/** Gives numbers that are known beforehand. */
class KnownDraws extends TransformRandom {
  readonly #draws: number[];

  constructor(draws: readonly number[]) {
    super(0);
    this.#draws = [...draws];
  }

  override next(): number {
    return this.#draws.shift() ?? Number.NaN;
  }
}

const SCRATCH = { offset: 2 ** 19, byteLength: 2 ** 19 };

function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  const size = exponent === 0 ? 2 ** -14 * fraction : 2 ** (exponent - 15) * (1 + fraction);
  return bits >> 15 === 0 ? size : -size;
}

function numbersAt(buffer: ArrayBufferLike, offset: number, length: number, dtype: Place["dtype"]): number[] {
  if (dtype === "uint8") return Array.from(new Uint8Array(buffer, offset, length));
  if (dtype === "float32") return Array.from(new Float32Array(buffer, offset, length));
  return Array.from(new Uint16Array(buffer, offset, length), half);
}

/** What the loader's plan makes of an input, as its workers run it. */
function run({ input, transforms, draws, output }: Case): number[] {
  const { shape, offset } = listing.inputs[input] as Place;
  const [rows, columns, channels] = shape;
  const plan = planTransforms(transforms.map(checkTransform), { size: [rows, columns], channels }, undefined);
  const memory = createMemory({ byteLength: 2 ** 20 });
  new Uint8Array(memory.buffer).set(blob.subarray(offset, offset + rows * columns * 3));
  const kernels = createKernels(memory, SCRATCH);
  const random = new KnownDraws(draws);
  let source = { offset: 0, width: columns, height: rows, channels };
  for (const stage of plan.stages) {
    const { height, width, dtype, layout, fill, affine } = stage;
    const target = { offset: source.offset + 2 ** 17, width, height, dtype, byteLength: 2 ** 17 };
    expect(scratchBytes({ source, output: target })).toBeLessThan(SCRATCH.byteLength);
    const box = createGeometry();
    placeImage(stage, source.width, source.height, 0, 0, random, box);
    const { flip, flipVertical } = box;
    kernels.resample({
      source,
      box,
      flip,
      flipVertical,
      output: target,
      layout,
      ...(fill === undefined ? {} : { fill }),
      ...affine,
    });
    source = { offset: target.offset, width, height, channels };
    for (const { transform } of stage.pixels) applyColour(transform as ColourTransform, source, kernels, random);
  }
  expect([plan.height, plan.width, plan.dtype]).toEqual([output.shape[0], output.shape[1], output.dtype]);
  return numbersAt(memory.buffer, source.offset, source.height * source.width * 3, plan.dtype);
}

interface Difference {
  most: number;
  sum: number;
  count: number;
}

/** Differences of all cases of a name; of floats in units of the input's levels, so that all rows compare. */
function differences(): Map<string, Difference> {
  const found = new Map<string, Difference>();
  for (const one of listing.cases) {
    const { offset, shape, dtype } = one.output;
    const expected = numbersAt(blob.buffer, blob.byteOffset + offset, shape[0] * shape[1] * 3, dtype);
    const difference = found.get(one.name) ?? { most: 0, sum: 0, count: 0 };
    for (const [i, value] of run(one).entries()) {
      const apart = Math.abs(value - (expected[i] as number));
      difference.most = Math.max(difference.most, apart);
      difference.sum += apart;
      difference.count++;
    }
    found.set(one.name, difference);
  }
  return found;
}

function rowOf(name: string, { most, sum, count }: Difference): string {
  const [largest, mean] = [most, sum / count].map((value) => String(Number(value.toPrecision(2))));
  return `| ${name} | ${largest} | ${mean} |`;
}

/**
 * Most that a value may differ, in levels, or after normalize in standard deviations; 0 where nothing is said. What
 * torchvision resamples it rounds to whole levels before it normalises, which is up to half a level.
 */
const LIMITS: ReadonlyMap<string, number> = new Map([
  ["RandomResizedCrop", 1],
  ["Resize to a size", 1],
  ["Resize of the shorter side (outside), CenterCrop", 1],
  // The middle of the source in place of the middle of the resized image, whose longer side was cut to whole pixels.
  ["Resize of the shorter side (cover), CenterCrop", 255],
  ["ColorJitter, saturation", 1],
  ["ColorJitter, all four", 1],
  ["Normalize to float32", 1e-6],
  ["RandomResizedCrop, flip, Normalize", 1 / 255 / 0.224],
]);

describe("transforms against torchvision", () => {
  const found = differences();

  it.each([...found])("%s differs by no more than rounding does", (name, { most }) => {
    expect(most).toBeLessThanOrEqual(LIMITS.get(name) ?? 0);
  });

  it("differ by what docs/load.md says", () => {
    const docs = readFileSync(new URL("../../../../docs/load.md", import.meta.url), "utf8").replaceAll(/ +/gu, " ");
    for (const [name, difference] of found) expect(docs).toContain(rowOf(name, difference));
  });
});
