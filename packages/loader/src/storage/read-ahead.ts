import { open } from "node:fs/promises";
import type { Clock } from "../clock.js";

/** Bytes read at a time: on a cold disk, 8 MiB took less time than 1 MiB. */
const BLOCK_BYTES = 2 ** 23;
/** Reads under way at a time, so that storage that answers late is kept busy. */
const DEPTH = 2;
/** After so many blocks it is known whether the files were in memory all the time. */
const PROBED_BLOCKS = 4;
/** Storage seldom gives more bytes than these in a millisecond, and memory seldom less. */
const MEMORY_BYTES_PER_MS = 2 ** 21;

/** A file open for reading ahead; a file handle of `node:fs/promises` is one. */
export interface AheadFile {
  /** Reads up to `length` bytes from `position` on to the beginning of `target`. */
  read(target: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  /** Frees the file. */
  close(): Promise<void>;
}

/** A file that is to be read ahead. */
export interface AheadPlace {
  readonly path: string;
  readonly bytes: number;
  /** Is called before the file is opened; throws if it must not be. */
  readonly check?: () => void;
}

/** What {@link ReadAhead} needs to know. */
export interface ReadAheadOptions {
  readonly files: readonly AheadPlace[];
  readonly clock: Clock;
  /** Default: opens a local file. */
  readonly openFile?: (path: string) => Promise<AheadFile>;
  /** Default 8 MiB. */
  readonly blockBytes?: number;
  /** Default 2. */
  readonly depth?: number;
}

/**
 * Reads files once, from front to back in large blocks, and throws away what it reads: it is then in the memory of the
 * system, where samples that are read at random find it. The reads run on the threads of libuv; the calling thread only waits
 * for them. It ends at the first blocks where they come as fast as from memory. It never fails: what is wrong with a
 * file is told by the samples.
 */
export class ReadAhead {
  readonly #files: ReadAheadOptions["files"];
  readonly #blockBytes: number;
  readonly #depth: number;
  readonly #open: (path: string) => Promise<AheadFile>;
  /** The next block. */
  #file = 0;
  #position = 0;
  #blocks = 0;
  #fastBlocks = 0;
  #isStopped = false;
  #running: Promise<void> | undefined;

  constructor(readonly options: ReadAheadOptions) {
    this.#files = options.files;
    this.#blockBytes = options.blockBytes ?? BLOCK_BYTES;
    this.#depth = options.depth ?? DEPTH;
    this.#open = options.openFile ?? ((path) => open(path, "r"));
  }

  /** Begins, or goes on where it was stopped. */
  start(): void {
    this.#isStopped = false;
    if (this.#file === this.#files.length) return;
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  /** Ends it; resolves when no file is open any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  /** Resolves when all is read, or it has ended before. */
  async untilDone(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    await Promise.all(Array.from({ length: this.#depth }, () => this.#readBlocks()));
  }

  async #readBlocks(): Promise<void> {
    const target = Buffer.allocUnsafeSlow(this.#blockBytes);
    let number = -1;
    let file: AheadFile | undefined;
    try {
      for (let block = this.#next(); block !== undefined; block = this.#next()) {
        try {
          if (block.file !== number) {
            await file?.close();
            file = undefined;
            const place = this.#files[block.file] as AheadPlace;
            place.check?.();
            file = await this.#open(place.path);
            number = block.file;
          }
          await this.#read(file as AheadFile, target, block);
        } catch {
          this.#skipFile(block.file);
        }
      }
    } finally {
      await file?.close().catch(() => undefined);
    }
  }

  async #read(file: AheadFile, target: Buffer, { position, length }: Block): Promise<void> {
    const { clock } = this.options;
    const start = clock.now();
    await file.read(target, 0, length, position);
    this.#blocks++;
    if (length < (clock.now() - start) * MEMORY_BYTES_PER_MS) return;
    this.#fastBlocks++;
    if (this.#blocks === this.#fastBlocks && this.#blocks >= PROBED_BLOCKS) this.#file = this.#files.length;
  }

  /** The block after the last that was handed out. */
  #next(): Block | undefined {
    while (!this.#isStopped && this.#file < this.#files.length) {
      const left = (this.#files[this.#file] as AheadPlace).bytes - this.#position;
      if (left > 0) {
        const block = { file: this.#file, position: this.#position, length: Math.min(left, this.#blockBytes) };
        this.#position += block.length;
        return block;
      }
      this.#file++;
      this.#position = 0;
    }
    return undefined;
  }

  #skipFile(file: number): void {
    if (this.#file !== file) return;
    this.#file++;
    this.#position = 0;
  }
}

interface Block {
  readonly file: number;
  readonly position: number;
  readonly length: number;
}
