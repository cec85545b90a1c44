import { isMillraceError } from "@millrace/formats";
import { createKernels, createMemory } from "@millrace/image";
import {
  colorJitter,
  grayscale,
  horizontalFlip,
  normalize,
  openLoader,
  pad,
  randomCrop,
  randomResizedCrop,
  resize,
  sequential,
  verticalFlip,
  type BatchField,
  type LoaderOptions,
  type Transform,
} from "@millrace/loader";
import { describe, expect, it } from "vitest";
import { applyColorJitter } from "../../dist/transforms/color-jitter.js";
import { TransformRandom } from "../../dist/transforms/transform-random.js";
import { linesOf } from "../batch-log.js";
import { makeDataset, type MadeDataset } from "../make-dataset.js";
import { transformOf } from "../make-transform.js";

const SIDE = 4;

/** The image field of the first batch of all samples, which is kept. */
async function imagesOf(
  made: MadeDataset,
  transforms: readonly Transform[],
  more: LoaderOptions = {},
): Promise<BatchField> {
  await using loader = await openLoader(made.path, { order: sequential(), numWorkers: 0, transforms, ...more });
  for await (const batch of loader) return batch.copy().fields["image"] as BatchField;
  throw new TypeError("no batch");
}

/** A sample's pixels after one change of colour by the kernels. */
function changed(
  pixels: Uint8Array,
  change: "brightness" | "contrast" | "saturation" | "hue",
  factor: number,
): number[] {
  const memory = createMemory({ byteLength: 2 ** 16 });
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(pixels);
  const image = { offset: 0, width: SIDE, height: SIDE, channels: 3 } as const;
  createKernels(memory, { offset: 2 ** 12, byteLength: 2 ** 15 })[change](image, factor);
  return [...bytes.subarray(0, pixels.length)];
}

describe("colorJitter", () => {
  it.each(["brightness", "contrast", "saturation", "hue"] as const)(
    "changes the %s by the factor drawn",
    async (name) => {
      const made = await makeDataset({ samples: 2 });
      const factor = name === "hue" ? 0.25 : 0.5;
      const found = await imagesOf(made, [colorJitter({ [name]: [factor, factor] })]);
      const expected = [...changed(made.pixelsOf(0), name, factor), ...changed(made.pixelsOf(1), name, factor)];
      expect([...(found.data as Uint8Array)]).toEqual(expected);
      expect(expected).not.toEqual([...made.pixelsOf(0), ...made.pixelsOf(1)]);
    },
  );

  it("leaves pixels alone where nothing is asked for, or for the samples that it does not take", async () => {
    const made = await makeDataset({ samples: 40 });
    const original = Array.from({ length: 40 }, (_, sample) => [...made.pixelsOf(sample)].join());
    const split = (field: BatchField): string[] =>
      original.map((_, i) => [...(field.data as Uint8Array).subarray(i * 48, i * 48 + 48)].join());
    expect(split(await imagesOf(made, [colorJitter()]))).toEqual(original);
    const some = split(await imagesOf(made, [colorJitter({ brightness: [0, 0], fraction: 0.5 })]));
    const same = some.filter((pixels, i) => pixels === original[i]).length;
    expect(same > 5 && same < 35).toBe(true);
  });

  it("draws the factors from all of the range, and every order of the four", () => {
    const orders = new Set<string>();
    const brightness: number[] = [];
    const kernels = {
      ...createKernels(createMemory({ byteLength: 1 }), { offset: 0, byteLength: 1 }),
      ...Object.fromEntries(
        ["brightness", "contrast", "saturation", "hue"].map((name) => [
          name,
          (_image: unknown, factor: number) => {
            calls.push(name);
            if (name === "brightness") brightness.push(factor);
          },
        ]),
      ),
    };
    let calls: string[] = [];
    const random = new TransformRandom(1);
    const jitter = colorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 });
    for (let sample = 0; sample < 1000; sample++) {
      calls = [];
      random.reseed(0, sample, 0);
      applyColorJitter(jitter, { offset: 0, width: 1, height: 1, channels: 3 }, kernels, random);
      orders.add(calls.join());
    }
    expect(orders.size).toBe(24);
    expect([Math.min(...brightness), Math.max(...brightness)]).toEqual([
      expect.closeTo(0.6, 1),
      expect.closeTo(1.4, 1),
    ]);
  });
});

describe("grayscale", () => {
  it("makes three equal channels", async () => {
    const made = await makeDataset({ samples: 1 });
    const { data, shape } = await imagesOf(made, [grayscale()]);
    expect(shape).toEqual([1, SIDE, SIDE, 3]);
    for (let i = 0; i < data.length; i += 3) expect([data[i + 1], data[i + 2]]).toEqual([data[i], data[i]]);
  });
});

function sumOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, level) => sum + level, 0);
}

describe("pad and randomCrop", () => {
  it("fill what is outside of the image", async () => {
    const made = await makeDataset({ samples: 1 });
    const { data, shape } = await imagesOf(made, [pad([1, 0, 2, 1], { fill: [7, 8, 9] })]);
    expect(shape).toEqual([1, SIDE + 1, SIDE + 3, 3]);
    const pixels = made.pixelsOf(0);
    const rows = Array.from({ length: SIDE }, (_, y) => [
      7,
      8,
      9,
      ...pixels.subarray(y * 12, y * 12 + 12),
      7,
      8,
      9,
      7,
      8,
      9,
    ]);
    expect([...(data as Uint8Array)]).toEqual([...rows.flat(), ...Array.from({ length: 7 }, () => [7, 8, 9]).flat()]);
  });

  it("fill with a level behind normalize too", async () => {
    const made = await makeDataset({ samples: 1 });
    const affine = normalize({ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] });
    const margin = pad(1, { fill: 255 });
    const behind = await imagesOf(made, [affine, margin]);
    expect(behind.data[0]).toBeCloseTo(1, 5);
    expect(behind.data).toEqual((await imagesOf(made, [margin, affine])).data);
  });

  it("cover images of different sizes", async () => {
    const made = await makeDataset({ samples: 6, mode: "png" });
    const { shape, data } = await imagesOf(made, [randomCrop(5, { padIfNeeded: true, fill: 3 }), verticalFlip()]);
    expect(shape).toEqual([6, 5, 5, 3]);
    // Sample 2 has a side of 5, so all of its pixels are there.
    expect(sumOf((data as Uint8Array).subarray(150, 225))).toBe(sumOf(made.pixelsOf(2)));
  });
});

describe("layout and dtype", () => {
  it("nchw has the same numbers with the channels first, with and without transforms", async () => {
    const made = await makeDataset({ samples: 2 });
    const lists: Transform[][] = [
      [],
      [resize([3, 5]), normalize({ mean: [0, 0, 0], std: [1, 1, 1] })],
      [colorJitter({ hue: 0.2 })],
    ];
    for (const transforms of lists) {
      const plain = await imagesOf(made, transforms);
      const planar = await imagesOf(made, transforms, { layout: "nchw" });
      const [batch = 0, height = 0, width = 0, channels = 0] = plain.shape;
      expect(planar.shape).toEqual([batch, channels, height, width]);
      const pixels = height * width;
      const turned = Array.from(planar.data as Float32Array, (_, i) => {
        const [image, channel, pixel] = [Math.floor(i / (3 * pixels)), Math.floor(i / pixels) % 3, i % pixels];
        return plain.data[image * 3 * pixels + pixel * 3 + channel];
      });
      expect(Array.from(planar.data as Float32Array)).toEqual(turned);
    }
  });

  it("float16 has half the bytes, and the nearest numbers", async () => {
    const made = await makeDataset({ samples: 1 });
    const affine = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };
    const half = await imagesOf(made, [normalize({ ...affine, dtype: "float16" })]);
    expect([half.dtype, half.data.byteLength, half.data.constructor.name]).toEqual(["float16", 96, "Uint16Array"]);
    // Integers below 2048 are exact in binary16: sign, 5 bits of exponent with bias 15, 10 bits of fraction.
    const values = Array.from(half.data as Uint16Array, (bits) =>
      bits === 0 ? 0 : 2 ** ((bits >> 10) - 15) * (1 + (bits & 1023) / 1024),
    );
    expect(values.map(Math.round)).toEqual([...made.pixelsOf(0)]);
  });

  it("are refused where there are no images, or of another name", async () => {
    const made = await makeDataset({ samples: 1 });
    const refusal = imagesOf(made, [], { layout: "nchw", fields: ["label"] });
    await expect(refusal).rejects.toThrow(/option layout: there are no images/u);
    await expect(imagesOf(made, [], { layout: "hwc" as never })).rejects.toThrow(/option layout: .*nhwc \| nchw/u);
  });
});

describe("all transforms at once", () => {
  it("give the same batches in this thread and on workers, and after a resume", async () => {
    const made = await makeDataset({ samples: 24, mode: "png" });
    const transforms = [
      randomResizedCrop(12),
      colorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1, fraction: 0.8 }),
      grayscale({ fraction: 0.2 }),
      randomCrop(10, { padding: 2 }),
      horizontalFlip(),
      verticalFlip(),
      normalize({ mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2], dtype: "float16" }),
    ];
    const options = { batchSize: 8, transforms, layout: "nchw" } as const;
    const all: string[][] = [];
    for (const numWorkers of [0, 2]) {
      await using loader = await openLoader(made.path, { ...options, numWorkers });
      all.push(await linesOf(loader));
    }
    expect(all[1]).toEqual(all[0]);
    await using first = await openLoader(made.path, { ...options, numWorkers: 0 });
    await linesOf(first, 1);
    await using second = await openLoader(made.path, { ...options, numWorkers: 0, state: first.state() });
    expect(await linesOf(second)).toEqual(all[0]?.slice(1));
  });
});

describe("a transform of the user's that fails", () => {
  it.each([
    ["throws", 'if (context.sample === 1) throw new Error("no luck");', /the transform transform threw: no luck/u],
    ["throws nothing", "if (context.sample === 1) throw undefined;", /threw: undefined/u],
    [
      "returns another image",
      "return new Uint8Array(3);",
      /returned a value.*expected .*same shape, found Uint8Array of 3 bytes/u,
    ],
    ["returns null", "return null;", /returned a value.*found null/u],
    ["returns a promise", "return Promise.resolve();", /returned a promise/u],
    ["writes past the image", "image.data.set(new Uint8Array(100000));", /threw: /u],
  ])("and %s is named with its sample", async (_how, body, text) => {
    const made = await makeDataset({ samples: 2 });
    const error: unknown = await imagesOf(made, [transformOf(body)]).catch((caught: unknown) => caught);
    expect(isMillraceError(error, "SAMPLE") && error.detail.file).toMatch(/shard-00000/u);
    expect(String(error)).toMatch(text);
    expect(String(error)).toMatch(/sample [01], key k\/[01]: /u);
  });

  it("may return the image that it was given", async () => {
    const made = await makeDataset({ samples: 1 });
    const found = await imagesOf(made, [transformOf("return image.data.fill(3);"), transformOf("return image;")]);
    expect(new Set(found.data as Uint8Array)).toEqual(new Set([3]));
  });
});
