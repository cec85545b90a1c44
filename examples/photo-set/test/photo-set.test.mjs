import { imageHeader } from "@millrace/image";
import { tempDir } from "@millrace/testkit";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { cropOf, regionOf } from "../crops.mjs";
import { makePhotoSet } from "../make.mjs";
import { PHOTOGRAPHS, readPhotograph } from "../photographs.mjs";

/** @typedef {import("../crops.mjs").Box} Box */

const SIZES = [
  { width: 790, height: 1024 },
  { width: 1024, height: 717 },
  { width: 807, height: 1024 },
  { width: 1024, height: 750 },
  { width: 1024, height: 788 },
  { width: 1024, height: 484 },
  { width: 1024, height: 510 },
  { width: 1024, height: 498 },
  { width: 1024, height: 819 },
];

/** @type {("train" | "val")[]} */
const SPLITS = ["train", "val"];

/**
 * @param {"train" | "val"} split
 * @param {number} count
 */
function crops(split, count) {
  return Array.from({ length: count }, (_, i) => cropOf(split, i, 0, SIZES));
}

/** @param {string} root */
function filesIn(root) {
  return readdirSync(root, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".jpg"))
    .toSorted();
}

/**
 * @param {Box} inner
 * @param {Box} outer
 */
function lies(inner, outer) {
  return (
    inner.left >= outer.left &&
    inner.top >= outer.top &&
    inner.left + inner.width <= outer.left + outer.width &&
    inner.top + inner.height <= outer.top + outer.height
  );
}

describe("the recipes of the photo set", () => {
  it("cut val from a region that no crop of train touches", () => {
    for (const { width, height } of SIZES) {
      const [train, val] = SPLITS.map((split) => regionOf(split, { width, height }));
      const apart = width >= height ? (val?.left ?? 0) - (train?.width ?? 0) : (val?.top ?? 0) - (train?.height ?? 0);
      expect(apart).toBe(16);
    }
    for (const split of SPLITS) {
      const stray = crops(split, 5000).filter(({ box, photograph }) => {
        const size = SIZES[photograph] ?? { width: 0, height: 0 };
        return !lies(box, regionOf(split, size)) || !lies(box, { left: 0, top: 0, ...size });
      });
      expect(stray).toEqual([]);
    }
  });

  it("are all kinds in their shares: 4:2:0 and 4:4:4, some progressive, some grey", () => {
    const all = crops("train", 5000);
    /** @param {(crop: import("../crops.mjs").Crop) => boolean} is */
    const share = (is) => all.filter(is).length / all.length;
    expect(share((crop) => crop.chromaSubsampling === "4:2:0")).toBeCloseTo(0.65, 1);
    expect(share((crop) => crop.isProgressive)).toBeCloseTo(0.15, 1);
    expect(share((crop) => crop.isGrey)).toBeCloseTo(0.1, 1);
    expect(new Set(all.map(({ path }) => path.split("/")[1]))).toEqual(new Set(PHOTOGRAPHS));
  });

  it("do not depend on how many there are, and differ by seed", () => {
    expect(crops("train", 20)).toEqual(crops("train", 5000).slice(0, 20));
    expect(cropOf("train", 3, 1, SIZES)).not.toEqual(cropOf("train", 3, 0, SIZES));
  });

  it("are made for the photographs as they are", async () => {
    const photographs = await Promise.all(PHOTOGRAPHS.map(readPhotograph));
    expect(photographs.map(({ width, height }) => ({ width, height }))).toEqual(SIZES);
  });
});

describe("the photo set", () => {
  it("is the same every time, of the kinds and sizes that its recipes say, about 110 KB an image", async () => {
    const folders = [tempDir(), tempDir()];
    for (const folder of folders) expect(await makePhotoSet(folder, { train: 54, val: 18 })).toBe(true);
    const [first, second] = folders.map((folder) =>
      filesIn(folder).map((name) => [
        name,
        createHash("sha256")
          .update(readFileSync(join(folder, name)))
          .digest("hex"),
      ]),
    );
    expect(second).toEqual(first);
    const [root = ""] = folders;
    const recipes = [...crops("train", 54), ...crops("val", 18)];
    expect(filesIn(root)).toEqual(recipes.map(({ path }) => path).toSorted());
    for (const crop of recipes) {
      const bytes = readFileSync(join(root, crop.path));
      expect(imageHeader(bytes)).toEqual({ encoding: "jpeg", width: crop.width, height: crop.height });
      expect(await sharp(bytes).metadata()).toMatchObject({
        channels: crop.isGrey ? 1 : 3,
        isProgressive: crop.isProgressive,
        ...(crop.isGrey ? {} : { chromaSubsampling: crop.chromaSubsampling }),
      });
    }
    const bytes = recipes.reduce((sum, { path }) => sum + statSync(join(root, path)).size, 0);
    expect(bytes / recipes.length).toBeGreaterThan(100_000);
    expect(bytes / recipes.length).toBeLessThan(120_000);
    expect(await makePhotoSet(root, { train: 54, val: 18 })).toBe(false);
    await expect(makePhotoSet(root, { train: 55, val: 18 })).rejects.toThrow(/another set.*name another folder/u);
  });

  it("holds no image of a larger set that was killed in the making, and keeps the files of others", async () => {
    const folder = tempDir();
    const images = join(folder, "train", PHOTOGRAPHS[0] ?? "");
    mkdirSync(images, { recursive: true });
    for (const name of ["00099.jpg", "mine.jpg"]) writeFileSync(join(images, name), "x");
    await makePhotoSet(folder, { train: 1, val: 1 });
    const recipes = [...crops("train", 1), ...crops("val", 1)].map(({ path }) => path);
    expect(filesIn(folder)).toEqual([...recipes, `train/${PHOTOGRAPHS[0]}/mine.jpg`].toSorted());
  });

  it("is refused in one line, with the way out, where another set lies", async () => {
    const folder = tempDir();
    writeFileSync(join(folder, ".photo-set.json"), "{}");
    const make = fileURLToPath(new URL("../make.mjs", import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [make, folder], { encoding: "utf8" });
    expect([status, stderr]).toEqual([1, `${folder} holds another set, {}; name another folder\n`]);
  });
});
