import { open, type FileHandle } from "node:fs/promises";
import { fileError, isMillraceError } from "@millrace/formats";

/** Bytes that one call of the system is asked for: a read of more than 2 GiB ends early or is refused. */
const PART_BYTES = 2 ** 30;

/** A file that is open for reading at any place, however long it is. */
export interface ReadableFile {
  /** Bytes. */
  readonly size: number;
  /** Fills `into` from the place `at`; what is behind the end of the file stays as it is. */
  readonly readInto: (into: Uint8Array, at: number) => Promise<void>;
}

/**
 * Opens a file for as long as `use` runs.
 * @param action - What the error says that it was for.
 * @throws {@link FileError} if the system refuses; what `use` throws.
 */
export async function readFileBy<T>(path: string, action: string, use: (file: ReadableFile) => Promise<T>): Promise<T> {
  try {
    const handle = await open(path);
    try {
      const { size } = await handle.stat();
      return await use({ size, readInto: (into, at) => readInto(handle, into, at) });
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw isMillraceError(error) || !isSystemError(error) ? error : fileError(path, action, error);
  }
}

/** All bytes of a file, for {@link readFileBy}. */
export async function readAll({ size, readInto: read }: ReadableFile): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  await read(bytes, 0);
  return bytes;
}

async function readInto(handle: FileHandle, into: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await handle.read(into, done, Math.min(PART_BYTES, into.length - done), at + done);
    if (bytesRead === 0) return;
    done += bytesRead;
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}
