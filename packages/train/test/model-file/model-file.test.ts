import { createModel, loadModel, modelFile, saveModel, selectBackend, type Backend } from "@millrace/train";
import { tempDir } from "@millrace/testkit";
import type { Tensor } from "@tensorflow/tfjs-core";
import { loadLayersModel, type LayersModel } from "@tensorflow/tfjs-layers";
import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { millraceError } from "../rejection.js";

let backend: Backend;
beforeAll(async () => void ({ backend } = await selectBackend("cpu")));
afterAll(() => backend.close());

function lenet(seed: number): LayersModel {
  const model = createModel("lenet", { classes: 3, inputShape: [16, 16, 1], seed, activation: "leakyRelu" });
  onTestFinished(() => void model.dispose());
  return model;
}

function outputsOf(model: LayersModel): number[] {
  const { tf } = backend;
  return tf.tidy(() => [...(model.predict(tf.ones([1, 16, 16, 1])) as Tensor).dataSync()] as never);
}

describe("a saved model", () => {
  it("comes back from its folder, from model.json, and by TensorFlow.js alone, with the same outputs", async () => {
    const dir = join(tempDir(), "new", "model");
    const model = lenet(1);
    expect(await saveModel(model, dir)).toBe(join(dir, "model.json"));
    const handler = modelFile(dir);
    for (const loaded of [
      await loadModel(dir),
      await loadModel(join(dir, "model.json")),
      await loadLayersModel(handler),
    ]) {
      expect(outputsOf(loaded)).toEqual(outputsOf(model));
      loaded.dispose();
    }
  });

  it("replaces another one as a whole, and leaves no weights of it", async () => {
    const dir = tempDir();
    await saveModel(lenet(1), dir);
    const before = new Set(readdirSync(dir));
    await saveModel(lenet(2), dir);
    const after = readdirSync(dir);
    expect(after).toHaveLength(2);
    expect(after.filter((name) => before.has(name))).toEqual(["model.json"]);
    const loaded = await loadModel(dir);
    expect(outputsOf(loaded)).toEqual(outputsOf(lenet(2)));
    loaded.dispose();
  });

  it("is refused if it is damaged, lacks weights, or names files outside its folder", async () => {
    const dir = tempDir();
    const json = await saveModel(lenet(1), dir);
    const text = readFileSync(json, "utf8");
    const weights = readdirSync(dir).find((name) => name.endsWith(".bin")) ?? "";
    expect((await millraceError(loadModel(join(dir, "none")))).code).toBe("FILE");
    for (const [broken, words] of [
      [text.slice(0, 100), "is not JSON"],
      ["{}", "is no layers model of TensorFlow.js: modelTopology"],
      [text.replace(weights, "../secret.bin"), "names the file ../secret.bin, which is not in its folder"],
    ] as const) {
      writeFileSync(json, broken);
      const error = await millraceError(loadModel(dir));
      expect([error.code, error.message]).toEqual(["STATE", expect.stringContaining(words) as string]);
    }
    truncateSync(json, 2 ** 40);
    expect((await millraceError(loadModel(dir))).message).toContain("is too large; expected at most 268435456 bytes");
    writeFileSync(json, text);
    const bytes = readFileSync(join(dir, weights));
    writeFileSync(join(dir, weights), bytes.subarray(4));
    const error = await millraceError(loadModel(dir));
    expect(error.message).toContain(`expected ${bytes.length} bytes of weights, found ${bytes.length - 4}`);
  });

  it("takes no memory for sizes that its weights do not have, and leaves none when it fails", async () => {
    const dir = tempDir();
    const json = await saveModel(lenet(1), dir);
    const text = readFileSync(json, "utf8");
    const { tf } = backend;
    const before = tf.memory().numTensors;
    for (const [broken, words] of [
      [
        text.replaceAll(/"units":\d+/gu, '"units":1e9'),
        /more weights than there are, first kernel of the layer .*1000000000\]/u,
      ],
      [text.replaceAll(/"filters":\d+/gu, '"filters":-1'), /is no model that can be built: .*; save the model again/u],
      [
        text.replace('/bias"', '/other"'),
        /is no model that can be built: Provided weight data has no target variable/u,
      ],
    ] as const) {
      expect(broken).not.toBe(text);
      writeFileSync(json, broken);
      const error = await millraceError(loadModel(dir));
      expect([error.code, error.message]).toEqual(["STATE", expect.stringMatching(words) as string]);
      expect(tf.memory().numTensors).toBe(before);
    }
    writeFileSync(json, text);
    const loaded = await loadModel(dir);
    expect(outputsOf(loaded)).toEqual(outputsOf(lenet(1)));
    loaded.dispose();
  });
});
