import { fileError, StateError } from "@millrace/formats";
import { readFileSync, truncateSync } from "node:fs";
import type { TrainObserver, TrainProgress } from "../training/progress.js";
import { LogFile } from "./log-file.js";

/** What makes a log of lines the kind it is. */
export interface LineFormat {
  /** The first line; `undefined` if there is none. */
  readonly header: string | undefined;
  /** The line of what a run told, without its end; `undefined` if it is not logged. */
  encode(progress: TrainProgress, timeMs: number): string | undefined;
  /** The step of a line, or `undefined` if it is no line of such a log. */
  stepOf(line: string): number | undefined;
}

/**
 * A log of one line for each thing that a run told, in the order of its steps. A run that goes on appends to the file;
 * what a run that was cut off had logged of later steps, or only half of, goes first.
 */
export class LineLog implements TrainObserver {
  #file: LogFile | undefined;

  /** @param now - Milliseconds since 1970. */
  constructor(
    readonly path: string,
    readonly format: LineFormat,
    readonly now: () => number,
  ) {}

  observe(progress: TrainProgress): void {
    this.#file ??= this.#open(progress.kind === "start" ? progress.step : Infinity);
    const line = this.format.encode(progress, this.now());
    if (line !== undefined) this.#file.append(Buffer.from(`${line}\n`));
  }

  async close(): Promise<void> {
    this.#file?.[Symbol.dispose]();
    this.#file = undefined;
    await Promise.resolve();
  }

  /** Opens the file behind the last line of a step up to `lastStep`. */
  #open(lastStep: number): LogFile {
    const { path, format } = this;
    const kept = keptBytes(path, format, lastStep);
    if (kept !== undefined) truncate(path, kept);
    const file = new LogFile(path, "a");
    if ((kept ?? 0) === 0 && format.header !== undefined) file.append(Buffer.from(`${format.header}\n`));
    return file;
  }
}

/** Bytes of the file that stay; `undefined` if there is no file. */
function keptBytes(path: string, format: LineFormat, lastStep: number): number | undefined {
  const text = contentOf(path);
  if (text === undefined) return undefined;
  let from = 0;
  if (format.header !== undefined) {
    const header = `${format.header}\n`;
    if (!text.startsWith(header)) {
      if (header.startsWith(text)) return 0;
      throw foreign(path, "another first line");
    }
    from = header.length;
  }
  for (;;) {
    const end = text.indexOf("\n", from);
    if (end === -1) break;
    const line = text.slice(from, end);
    const step = format.stepOf(line);
    if (step === undefined) throw foreign(path, line.slice(0, 80));
    if (step > lastStep) break;
    from = end + 1;
  }
  return Buffer.byteLength(text.slice(0, from));
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw fileError(path, "read the log", error);
  }
}

function truncate(path: string, bytes: number): void {
  try {
    truncateSync(path, bytes);
  } catch (error) {
    throw fileError(path, "cut what a run that was cut off had logged", error);
  }
}

function foreign(path: string, found: string): StateError {
  return new StateError({
    file: path,
    problem: "holds something else than a log of a training run",
    found,
    fix: "remove the file, or log to another folder",
  });
}
