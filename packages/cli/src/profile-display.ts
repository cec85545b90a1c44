import type { ProfileProgress, WhatIfRow } from "@millrace/train/profile";
import type { Io } from "./io.js";
import { createProgress, type Progress } from "./progress.js";

const STAGES: Readonly<Record<Exclude<ProfileProgress["stage"], "run">, string>> = {
  synthetic: "the step alone",
  input: "the input alone",
  memory: "the loader alone, on data in memory",
  cold: "reading alone, on cold data",
  scaling: "the loader with other numbers of workers",
};

/** Shows on stderr how far a profile is. */
export class ProfileDisplay implements Disposable {
  #progress: Progress | undefined;

  constructor(
    readonly io: Io,
    readonly quiet: boolean,
  ) {}

  /** For `onProgress`. */
  readonly show = ({ stage, steps, totalSteps }: ProfileProgress): void => {
    if (stage === "run") {
      this.#progress ??= createProgress(this.io, "profile", this.quiet);
      this.#progress.update(steps, totalSteps);
      return;
    }
    this[Symbol.dispose]();
    this.#line(`profile: measuring ${STAGES[stage]}`);
  };

  /** For `onApply`. */
  readonly showChange = ({ name, samplesPerSec, gain }: WhatIfRow): void => {
    this.#line(`apply: ${name}; predicted ${samplesPerSec.toFixed(0)} samples/s, ${(1 + gain).toFixed(2)}x`);
  };

  #line(text: string): void {
    if (!this.quiet) this.io.stderr.write(`${text}\n`);
  }

  [Symbol.dispose](): void {
    this.#progress?.stop();
    this.#progress = undefined;
  }
}
