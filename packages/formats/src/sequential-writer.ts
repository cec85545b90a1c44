import type { AppendFile } from "./append-file.js";
import { ClosedError, OptionError } from "./errors.js";
import type { ShardWriter, ShardWriterOptions } from "./format.js";
import { checkSample, type Sample } from "./schema.js";

/** How a format that is one sample after the other encodes them. */
export interface SampleEncoder {
  /**
   * The bytes of a sample, sharing its memory where they can.
   * @throws SchemaError if the format cannot hold it; nothing has happened then.
   */
  encode(sample: Sample, row: number): readonly Uint8Array[];
  /** Called when the file has taken the bytes of the last sample: memory that they shared may be used again. */
  taken?(): void;
  /** Writes what stands behind the last sample, and what was not known before. */
  complete(file: AppendFile, samples: number): Promise<void>;
}

/**
 * The writer of a format that is one sample after the other. Calls wait for the one before. It holds at most a megabyte
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

  write(sample: Sample): Promise<void> {
    return this.#inTurn(async () => {
      this.#checkOpen();
      checkSample(this.options.schema, sample);
      this.#checkCount();
      const parts = this.encoder.encode(sample, this.#samples);
      await this.#orFail(async () => {
        await this.file.append(parts);
        this.encoder.taken?.();
      });
      this.#samples++;
    });
  }

  finish(): Promise<void> {
    return this.#inTurn(async () => {
      this.#checkOpen();
      await this.#orFail(async () => {
        await this.encoder.complete(this.file, this.#samples);
        await this.file.finish();
      });
      this.#state = "finished";
    });
  }

  abort(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state === "finished" || this.#state === "aborted") return;
      this.#state = "aborted";
      await this.file.remove();
    });
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    const done = this.#last.then(action);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #orFail(action: () => Promise<void>): Promise<void> {
    try {
      await action();
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
