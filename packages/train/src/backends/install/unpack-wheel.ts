import { BackendError, fileError, isMillraceError } from "@millrace/formats";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import type { PinnedWheel, WheelMember } from "./release.js";

/** What {@link unpackWheel} may be told. */
export interface UnpackOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes of each chunk that was written. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * Unpacks the wanted members of a wheel into a folder, streaming. Names of the zip file are only compared with the
 * wanted ones, so a hostile name leads nowhere; a member that is not as long as pinned, in the directory or in fact,
 * ends it.
 * @throws {@link BackendError} if the wheel is damaged or is not as pinned; {@link FileError} if the system refuses
 * to write; the signal's reason.
 */
export async function unpackWheel(
  path: string,
  wheel: PinnedWheel,
  folder: string,
  options: UnpackOptions = {},
): Promise<void> {
  const wanted = new Map(wheel.members.map((member) => [member.from, member]));
  let zip: ZipFile | undefined;
  try {
    zip = await openPromise(path, { autoClose: false, decodeStrings: false });
    for await (const entry of zip.eachEntry()) {
      const name = (entry.fileName as unknown as Buffer).toString("utf8");
      const member = wanted.get(name);
      if (member === undefined) continue;
      wanted.delete(name);
      await unpackMember(zip, entry, member, join(folder, member.to), options);
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    throw isMillraceError(error) ? error : damaged(path, (error as Error).message, error);
  } finally {
    zip?.close();
  }
  const [missing] = wanted.keys();
  if (missing !== undefined) throw damaged(path, `it has no ${missing}`);
}

async function unpackMember(
  zip: ZipFile,
  entry: Entry,
  member: WheelMember,
  target: string,
  { signal, onBytes }: UnpackOptions,
): Promise<void> {
  if (entry.uncompressedSize !== member.bytes)
    throw damaged(member.from, "it has another size than pinned", undefined, member.bytes, entry.uncompressedSize);
  const packed = await zip.openReadStreamPromise(entry);
  let written = 0;
  const count = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      written += chunk.length;
      onBytes?.(chunk.length);
      yield chunk;
    }
  };
  await mkdir(dirname(target), { recursive: true });
  const file = createWriteStream(target, { flags: "wx", mode: member.isExecutable === true ? 0o755 : 0o644 });
  let refused: unknown;
  file.on("error", (error: NodeJS.ErrnoException) => {
    if (error.syscall !== undefined) refused = error;
  });
  try {
    await pipeline(packed, count, file, ...(signal === undefined ? [] : [{ signal }]));
  } catch (error) {
    if (refused !== undefined) throw fileError(target, "unpack the wheel", refused, member.bytes);
    throw error;
  }
  if (written !== member.bytes) throw damaged(member.from, "it ends too early", undefined, member.bytes, written);
}

function damaged(file: string, problem: string, cause?: unknown, expected?: number, found?: number): BackendError {
  return new BackendError({
    file,
    problem: `the wheel cannot be unpacked: ${problem}`,
    reason: "wheel-damaged",
    expected: expected === undefined ? undefined : `${expected} bytes`,
    found: found === undefined ? undefined : `${found} bytes`,
    fix: "download it again",
    cause,
  });
}
