import { fileError, frameRecord } from "@millrace/formats";
import { readdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { TrainObserver, TrainProgress } from "../training/progress.js";
import { encodeEvent, type EventContent } from "./event.js";
import { encodeSettings, SETTINGS_PLUGIN, SETTINGS_TAG, type RunSettings } from "./hyperparameters.js";
import { LogFile } from "./log-file.js";

/** The format that TensorBoard reads, `EventsWriter::kVersionPrefix` and `kCurrentVersion`. */
const FILE_VERSION = "brain.Event:2";
const FILE_NAME = /^events\.out\.tfevents\.(\d{10})\./u;

/**
 * A TensorBoard event file (`tensorflow/core/util/events_writer.cc`): TFRecords of `Event` messages. A run that goes on
 * begins a new file, whose first events say from which step on the older ones no longer count.
 */
export class TensorboardLog implements TrainObserver {
  #file: LogFile | undefined;

  /**
   * @param dir - TensorBoard takes each folder for a run.
   * @param now - Milliseconds since 1970.
   */
  constructor(
    readonly dir: string,
    readonly settings: RunSettings | undefined,
    readonly now: () => number,
  ) {}

  observe(progress: TrainProgress): void {
    this.#file ??= this.#open(progress.step);
    const scalars = scalarsOf(progress);
    if (scalars.size > 0) this.#append(this.#file, progress.step, { scalars });
  }

  async close(): Promise<void> {
    this.#file?.[Symbol.dispose]();
    this.#file = undefined;
    await Promise.resolve();
  }

  #append(file: LogFile, step: number, content: EventContent): void {
    file.append(frameRecord(encodeEvent(this.now(), step, content)));
  }

  /** @param step - The last one that older files are right about. */
  #open(step: number): LogFile {
    const file = new LogFile(join(this.dir, fileName(this.dir, this.now())), "ax");
    this.#append(file, 0, { fileVersion: FILE_VERSION });
    this.#append(file, step + 1, { session: "start" });
    if (this.settings !== undefined) {
      const content = encodeSettings(this.settings, this.now());
      this.#append(file, step, { tag: SETTINGS_TAG, plugin: SETTINGS_PLUGIN, content });
    }
    return file;
  }
}

/** `events.out.tfevents.<seconds>.<host>.<process>`; later than any other there, as TensorBoard reads them by name. */
function fileName(dir: string, timeMs: number): string {
  const latest = Math.max(0, ...namesIn(dir).map((name) => Number(FILE_NAME.exec(name)?.[1] ?? 0)));
  const seconds = Math.max(Math.floor(timeMs / 1000), latest + 1);
  return `events.out.tfevents.${String(seconds).padStart(10, "0")}.${hostname()}.${process.pid}`;
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw fileError(dir, "read the folder of the log", error);
  }
}

/** What is plotted. TensorBoard groups charts by the word before the slash. */
function scalarsOf(progress: TrainProgress): ReadonlyMap<string, number> {
  const scalars = new Map<string, number>();
  const add = (tag: string, value: number | undefined): void => {
    if (value !== undefined) scalars.set(tag, value);
  };
  if (progress.kind === "steps") {
    add("train/loss", progress.loss);
    add("train/accuracy", progress.accuracy);
    add("train/learningRate", progress.learningRate);
    add("speed/samplesPerSec", progress.samplesPerSec);
    for (const part of ["stall", "fetchStall", "prepStall", "copy", "compute", "other"] as const)
      add(`time/${part}Fraction`, progress[`${part}Fraction`]);
  } else if (progress.kind === "validation" || progress.kind === "epoch") {
    add(`${progress.kind}/loss`, progress.loss);
    add(`${progress.kind}/accuracy`, progress.accuracy);
  }
  return scalars;
}
