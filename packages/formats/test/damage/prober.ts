import type { FormatName, Schema } from "@millrace/formats";
import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What is asked of a file, or of the dataset that it belongs to. */
export type Use =
  | { readonly kind: "shard"; readonly format: FormatName; readonly schema?: Schema | undefined }
  | { readonly kind: "dataset"; readonly root: string }
  | { readonly kind: "recovery" | "index" | "manifest" | "image" };

/** One damage to a file: cut off at a length, one bit flipped, some bytes overwritten or added. */
export type Edit =
  | { readonly length: number }
  | { readonly bit: number }
  | { readonly at: number; readonly bytes: Uint8Array };

/** How the uses of a file ended. */
export interface Answer {
  /**
   * One an edit. Without sound values to compare with: `values` or the code of a typed error. With them: `refused`,
   * `reported`, `harmless`, `undetectable`, `not verified`. In both cases also `not ours: …`, `hang` and `crash …`.
   */
  readonly results: readonly string[];
  /** What the last use gave, as a text. */
  readonly values?: string | undefined;
  /** CPU time of the use that took most. */
  readonly slowestMs: number;
}

/** How long an answer to one message may take: far more than any should, as the machine may be busy. */
const DEADLINE_MS = 30_000;
/** Edits in one message. */
const BATCH = 200;

/**
 * Uses files in a child process, which is replaced after a hang or a crash. Watches the time of each use and the most
 * memory that the process ever held.
 */
export class Prober {
  #child: ChildProcess | undefined;
  #startBytes = 0;
  #id = 0;
  /** CPU time of the slowest use so far. */
  slowestMs = 0;
  /** Most bytes that a child process has held above those it held before its first damaged file. */
  grownBytes = 0;

  /** What a sound file gives. */
  async valuesOf(path: string, use: Use): Promise<string> {
    const { results, values } = await this.#ask({ path, use });
    if (values === undefined) throw new TypeError(`${path} is not sound: ${String(results[0])}`);
    return values;
  }

  /** How using a file of which nothing is known ends: `values`, or the code of a typed error. */
  async use(path: string, use: Use): Promise<string> {
    return (await this.#ask({ path, use, edits: undefined })).results[0] as string;
  }

  /** How using a file that is damaged as it is ends. */
  async probe(path: string, use: Use, sound: string): Promise<string> {
    return (await this.#ask({ path, use, sound })).results[0] as string;
  }

  /** How using a file ends with each of the edits, one at a time. */
  async probeEdits(path: string, use: Use, edits: readonly Edit[], sound: string): Promise<string[]> {
    const results: string[] = [];
    for (let first = 0; first < edits.length; first += BATCH) {
      const some = edits.slice(first, first + BATCH);
      const answer = await this.#ask({ path, use, edits: some, sound });
      results.push(...answer.results);
    }
    return results;
  }

  /** Ends the child process. */
  close(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  async #ask(request: object): Promise<Answer> {
    const child = (this.#child ??= fork(fileURLToPath(new URL("probe-process.mjs", import.meta.url)), {
      serialization: "advanced",
      execArgv: ["--max-semi-space-size=4"],
    }));
    const id = ++this.#id;
    return await new Promise((resolve) => {
      const end = (answer: Answer): void => {
        clearTimeout(timer);
        child.removeAllListeners();
        resolve(answer);
      };
      const lose = (result: string): void => {
        this.close();
        this.#startBytes = 0;
        end({ results: [result], slowestMs: 0 });
      };
      const timer = setTimeout(() => lose("hang"), DEADLINE_MS);
      child.once("exit", (code, signal) => lose(`crash ${String(code ?? signal)}`));
      child.on("message", (message) => {
        const answer = message as Answer & { id: number; peakBytes: number };
        if (answer.id !== id) return;
        // The first use of a format loads its code.
        if ("edits" in request || "sound" in request) this.slowestMs = Math.max(this.slowestMs, answer.slowestMs);
        if (this.#startBytes === 0) this.#startBytes = answer.peakBytes;
        this.grownBytes = Math.max(this.grownBytes, answer.peakBytes - this.#startBytes);
        end(answer);
      });
      child.send({ id, ...request });
    });
  }
}
