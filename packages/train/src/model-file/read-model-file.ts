import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileError, resolveInside, StateError } from "@millrace/formats";
import { io } from "@tensorflow/tfjs-core";
import { z } from "zod";

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
    data = JSON.parse((await read(file)).toString("utf8"));
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
  const parts: Buffer[] = [];
  for (const name of weightsManifest.flatMap(({ paths }) => paths)) parts.push(await read(inFolder(file, name)));
  const bytes = Buffer.concat(parts);
  const weightSpecs = weightsManifest.flatMap(({ weights }) => weights) as unknown as io.WeightsManifestEntry[];
  const needed = weightSpecs.reduce((sum, spec) => sum + bytesOf(spec), 0);
  if (needed !== bytes.length) fail("does not fit its weights", `${needed} bytes of weights`, `${bytes.length}`);
  return { modelTopology, weightSpecs, weightData: new Uint8Array(bytes).buffer };
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

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw fileError(file, "read the model", error);
  }
}
