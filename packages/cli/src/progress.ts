import cliProgress from "cli-progress";
import type { Io } from "./io.js";

/** Shows how far a job is: a bar on a terminal, otherwise a plain line at each tenth. */
export interface Progress extends Disposable {
  /** `done` of `total`, and what else is worth a look, such as `12 rejected`. */
  update(done: number, total: number, note?: string): void;
  /** Leaves the last state on the screen. Idempotent. */
  stop(): void;
}

/** Nothing is shown with `quiet`. The bar goes to stderr, so stdout stays clean for data. */
export function createProgress(io: Io, label: string, quiet: boolean): Progress {
  if (quiet) return { update: () => undefined, stop: () => undefined, [Symbol.dispose]: () => undefined };
  return io.stderr.isTTY === true ? new Bar(io, label) : new Lines(io, label);
}

class Bar implements Progress {
  readonly #bar: cliProgress.SingleBar;
  #started = false;

  constructor(io: Io, label: string) {
    this.#bar = new cliProgress.SingleBar(
      {
        format: `${label} {bar} {percentage}% | {value}/{total} | {note} eta {eta}s`,
        stream: io.stderr,
        hideCursor: true,
        clearOnComplete: false,
      },
      cliProgress.Presets.shades_classic,
    );
  }

  update(done: number, total: number, note = ""): void {
    if (!this.#started) this.#bar.start(total, done, { note });
    this.#started = true;
    this.#bar.setTotal(total);
    this.#bar.update(done, { note: note === "" ? "" : `${note} |` });
  }

  stop(): void {
    if (this.#started) this.#bar.stop();
    this.#started = false;
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

class Lines implements Progress {
  #tenth = 0;

  constructor(
    readonly io: Io,
    readonly label: string,
  ) {}

  update(done: number, total: number, note = ""): void {
    const tenth = total === 0 ? 10 : Math.floor((10 * done) / total);
    if (tenth <= this.#tenth) return;
    this.#tenth = tenth;
    this.io.stderr.write(`${this.label}: ${done} of ${total}${note === "" ? "" : `, ${note}`}\n`);
  }

  stop(): void {
    this.#tenth = 10;
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
