import type { AppendFile } from "./append-file.js";
import type { FileChecksum } from "./checksum-file.js";
import type { ChecksummedBytes } from "./combined-checksum.js";
import { ClosedError, OptionError } from "./errors.js";
import type { ShardWriter, ShardWriterOptions } from "./format.js";
import { checkSample, type Sample } from "./schema.js";

/** How a format that is one sample after the other encodes them. */
export interface SampleEncoder {
  /**
   * The bytes of a sample, sharing its memory where they can, with the checksums of values where the caller has them.
   * @throws SchemaError if the format cannot hold it; nothing has happened then.
   */
  encode(
    sample: Sample,
    row: number,
    checksums: ReadonlyMap<string, number>,
  ): readonly (Uint8Array | ChecksummedBytes)[];
  /** Called when the file has taken the bytes of the last sample: memory that they shared may be used again. */
  taken?(): void;
  /** Writes what stands behind the last sample, and what was not known before. */
  complete(file: AppendFile, samples: number): Promise<void>;
}

const NO_CHECKSUMS: ReadonlyMap<string, number> = new Map();

/**
 * The writer of a format that is one sample after the other. Calls wait for the one before. It holds at most two megabytes
 * of samples beside what the encoder keeps, whatever the size of the shard.
 */
export class SequentialWriter implements ShardWriter {
  #state: "open" | "failed" | "finished" | "aborted" = "open";
  #failure: unknown;
  #last: Promise<void> = Promise.resolve();
  #samples = 0;

  constructor(
    readonly file: AppendFile,
    readonly encoder: SampleEncoder,
    readonly options: ShardWriterOptions,
  ) {}

  write(sample: Sample, checksums: ReadonlyMap<string, number> = NO_CHECKSUMS): Promise<void> {
    return this.#inTurn(async () => {
      this.#checkOpen();
      checkSample(this.options.schema, sample);
      this.#checkCount();
      const parts = this.encoder.encode(sample, this.#samples, checksums);
      await this.#orFail(async () => {
        await this.file.append(parts);
        this.encoder.taken?.();
      });
      this.#samples++;
    });
  }

  finish(): Promise<FileChecksum> {
    return this.#inTurn(async () => {
      this.#checkOpen();
      const checksum = await this.#orFail(async () => {
        await this.encoder.complete(this.file, this.#samples);
        return await this.file.finish();
      });
      this.#state = "finished";
      return checksum;
    });
  }

  abort(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state === "finished" || this.#state === "aborted") return;
      this.#state = "aborted";
      await this.file.remove();
    });
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#last.then(action);
    this.#last = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  async #orFail<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      this.#state = "failed";
      this.#failure = error;
      throw error;
    }
  }

  #checkCount(): void {
    const { expectedSamples } = this.options;
    if (expectedSamples === undefined || this.#samples < expectedSamples) return;
    throw new OptionError({
      file: this.file.path,
      option: "expectedSamples",
      problem: "more samples are written than were announced",
      expected: `at most ${expectedSamples}`,
    });
  }

  #checkOpen(): void {
    if (this.#state === "open") return;
    throw new ClosedError({
      file: this.file.path,
      problem: this.#state === "failed" ? "writing the shard has failed" : `the shard is ${this.#state}`,
      fix: "create a new shard",
      cause: this.#failure,
    });
  }
}
