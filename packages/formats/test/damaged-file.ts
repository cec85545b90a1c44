import {
  isMillraceError,
  openFormat,
  sampleBytes,
  type FormatName,
  type OpenReaderOptions,
  type Sample,
} from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { createHash } from "node:crypto";
import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { readAll } from "./arrow/every-kind.js";

/** A digest of samples: names, shapes and bytes. */
export function digest(samples: readonly Sample[]): string {
  const hash = createHash("sha256");
  for (const sample of samples) {
    for (const [name, value] of sample) {
      const shape = typeof value === "string" || !("shape" in value) ? "" : value.shape.join();
      const bytes = sampleBytes(value);
      hash.update(`${name} ${shape} ${bytes.length} `).update(bytes);
    }
  }
  return hash.digest("hex");
}

/**
 * How asking a file for everything ends: the code of a typed error, `values` and a digest, or the stack of an error that
 * must not be.
 */
export async function endingOf(name: FormatName, path: string, options: OpenReaderOptions = {}): Promise<string> {
  const format = await openFormat(name);
  try {
    const reader = await format.openReader(path, options);
    try {
      return `values ${digest(readAll(reader))}`;
    } finally {
      reader.close();
    }
  } catch (error) {
    return isMillraceError(error) ? error.code : ((error as Error).stack ?? String(error));
  }
}

/** A file that is damaged in place, which costs a tenth of writing it anew. */
export class DamagedFile {
  readonly path: string;
  readonly #fd: number;

  constructor(
    readonly format: FormatName,
    readonly bytes: Uint8Array,
  ) {
    this.path = join(tempDir(), "damaged");
    writeFileSync(this.path, bytes);
    this.#fd = openSync(this.path, "r+");
    onTestFinished(() => closeSync(this.#fd));
  }

  /** How the file as it is now ends. */
  async use(): Promise<string> {
    return await endingOf(this.format, this.path);
  }

  /** How it ends without what stands from `length` on. To be called with descending lengths. */
  async cutOff(length: number): Promise<string> {
    ftruncateSync(this.#fd, length);
    return await this.use();
  }

  /** How it ends with some bits of one byte flipped. */
  async flip(at: number, mask: number): Promise<string> {
    writeSync(this.#fd, Uint8Array.of((this.bytes[at] as number) ^ mask), 0, 1, at);
    const ending = await this.use();
    writeSync(this.#fd, this.bytes, at, 1, at);
    return ending;
  }
}
