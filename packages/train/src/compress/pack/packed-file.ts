import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError, makeFolder, OptionError, StateError, writeFileAtomic } from "@millrace/formats";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { readAll, readFileBy } from "../../read-file.js";
import { dequantizeModel } from "../quantize/dequantize-model.js";
import type { QuantizedModel } from "../quantize/quantized-tensor.js";
import { packModel, type PackOptions } from "./pack-model.js";
import { MAGIC } from "./packed-layout.js";
import type { UnpackLimits } from "./read-packed.js";
import { unpackModel } from "./unpack-model.js";

/** The largest file that is read: one that the header's fields of 32 bits can describe, and a buffer hold. */
const MAX_FILE_BYTES = 2 ** 32;

/**
 * Packs a quantised model into a file, which is there completely or not at all; its folder is made if it is missing.
 * @param path - `model.packed` for example; another packed model there is replaced, any other file is not.
 * @returns the bytes of the file.
 * @throws what {@link packModel} throws; {@link OptionError} if there is another file; {@link FileError} if the system
 * refuses.
 */
export async function writePackedModel(
  path: string,
  quantized: QuantizedModel,
  options?: PackOptions,
): Promise<number> {
  const found = await beginning(path);
  if (found !== undefined && found !== MAGIC) {
    const problem = "is there already, and is no packed model";
    throw new OptionError({ file: path, option: "path", problem, fix: "choose another name" });
  }
  const bytes = packModel(quantized, options);
  await makeFolder(dirname(path), "make the folder of the packed model");
  await writeFileAtomic(path, bytes);
  return bytes.length;
}

/**
 * Reads a file of {@link writePackedModel}.
 * @throws {@link StateError} if it is damaged, as {@link unpackModel} says; {@link FileError} if the system refuses.
 */
export async function readPackedModel(path: string, limits?: UnpackLimits): Promise<QuantizedModel> {
  return unpackModel(await read(path), path, limits);
}

/**
 * Loads a packed model as a plain model of TensorFlow.js onto the current backend; {@link saveModel} writes it in the
 * exchange format.
 * @returns the model, not compiled; the caller's to dispose.
 * @throws {@link StateError} if it is damaged; {@link UnsupportedError} if TensorFlow.js does not know a layer;
 * {@link FileError} if the system refuses.
 */
export async function loadPackedModel(path: string, limits?: UnpackLimits): Promise<LayersModel> {
  return await dequantizeModel(await readPackedModel(path, limits), path);
}

async function read(path: string): Promise<Uint8Array> {
  return await readFileBy(path, "read the packed model", async (file) => {
    if (file.size > MAX_FILE_BYTES)
      throw new StateError({
        file: path,
        problem: "is too large",
        expected: `at most ${MAX_FILE_BYTES} bytes`,
        found: `${file.size}`,
      });
    // What is no packed model is told by its first bytes.
    const isPacked = (await beginning(path)) === MAGIC;
    return await readAll(isPacked ? file : { ...file, size: Math.min(file.size, MAGIC.length) });
  });
}

/** The first bytes of a file as text; `undefined` if there is none. */
async function beginning(path: string): Promise<string | undefined> {
  try {
    const handle = await open(path);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
      return buffer.toString("latin1", 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw fileError(path, "look at what is there", error);
  }
}
