import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileError, resolveInside, StateError } from "@millrace/formats";
import { io } from "@tensorflow/tfjs-core";
import { z } from "zod";
import { readAll, readFileBy, type ReadableFile } from "../read-file.js";

/** What errors say that the files were for. */
const READ = "read the model";
/** The longest `model.json`. */
const MAX_JSON_BYTES = 2 ** 28;
/** The largest buffer of weights. */
const PART_BYTES = 2 ** 30;

const modelSchema = z.object({
  modelTopology: z.record(z.string(), z.unknown()),
  weightsManifest: z.array(
    z.object({
      paths: z.array(z.string()),
      weights: z.array(z.looseObject({ name: z.string(), shape: z.array(z.int().min(0)).max(32), dtype: z.string() })),
    }),
  ),
});

/**
 * Reads the files of a model in the format of TensorFlow.js. Weights are read from the folder of `model.json` only.
 * @param path - The folder, or its `model.json`.
 * @throws {@link StateError} if it is damaged, lacks weights, or is no layers model; {@link FileError} if the system
 * refuses.
 */
export async function readModelFile(path: string): Promise<io.ModelArtifacts> {
  const file = (await isFolder(path)) ? join(path, "model.json") : path;
  const fail = (problem: string, expected?: string, found?: string): never => {
    throw new StateError({ file, problem, expected, found, fix: "save the model again" });
  };
  let data: unknown;
  try {
    const text = await readFileBy(file, READ, async (open) =>
      open.size > MAX_JSON_BYTES
        ? fail("is too large", `at most ${MAX_JSON_BYTES} bytes`, `${open.size}`)
        : await readAll(open),
    );
    data = JSON.parse(new TextDecoder().decode(text));
  } catch (error) {
    if (error instanceof SyntaxError) return fail("is not JSON", undefined, error.message);
    throw error;
  }
  const parsed = modelSchema.safeParse(data);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return fail(`is no layers model of TensorFlow.js: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`);
  }
  const { modelTopology, weightsManifest } = parsed.data;
  const files = weightsManifest.flatMap(({ paths }) => paths).map((name) => inFolder(file, name));
  const weightSpecs = weightsManifest.flatMap(({ weights }) => weights) as unknown as io.WeightsManifestEntry[];
  const needed = weightSpecs.reduce((sum, spec) => sum + bytesOf(spec), 0);
  let found = 0;
  for (const each of files) found += await readFileBy(each, READ, ({ size }) => Promise.resolve(size));
  if (needed !== found) fail("does not fit its weights", `${needed} bytes of weights`, `${found}`);
  const parts: ArrayBuffer[] = [];
  for (const each of files) parts.push(...(await readFileBy(each, READ, readParts)));
  const [only = new ArrayBuffer(0)] = parts;
  return { modelTopology, weightSpecs, weightData: parts.length > 1 ? parts : only };
}

/** All bytes of a file, in as many buffers as TensorFlow.js can hold. */
async function readParts({ size, readInto }: ReadableFile): Promise<ArrayBuffer[]> {
  const parts: ArrayBuffer[] = [];
  for (let at = 0; at < size; at += PART_BYTES) {
    const part = new Uint8Array(Math.min(PART_BYTES, size - at));
    await readInto(part, at);
    parts.push(part.buffer);
  }
  return parts;
}

function inFolder(file: string, name: string): string {
  try {
    return resolveInside(dirname(file), name);
  } catch (cause) {
    const problem = `names the file ${name}, which is not in its folder`;
    throw new StateError({ file, problem, fix: "keep the weights beside model.json", cause });
  }
}

const BYTES: ReadonlyMap<string, number> = new Map([
  ["float32", 4],
  ["int32", 4],
  ["uint8", 1],
  ["uint16", 2],
  ["float16", 2],
  ["bool", 1],
]);

/** Bytes that a weight takes in the file. */
function bytesOf({ shape, dtype, quantization }: io.WeightsManifestEntry): number {
  const values = shape.reduce((product, size) => product * size, 1);
  return values * (BYTES.get(quantization?.dtype ?? dtype) ?? Number.NaN);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw fileError(path, "open the model", error);
  }
}
