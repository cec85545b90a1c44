import type { CompressProgress, CompressSetting } from "@millrace/train/compress";
import type { Io } from "./io.js";
import { createProgress, type Progress } from "./progress.js";
import { formatBytes } from "./table.js";

/** Shows on stderr how far a compression is. */
export class CompressDisplay implements Disposable {
  #progress: Progress | undefined;
  #label = "";

  constructor(
    readonly io: Io,
    readonly quiet: boolean,
  ) {}

  /** For `onProgress`. */
  readonly show = (event: CompressProgress): void => {
    switch (event.kind) {
      case "before": {
        const { accuracy, bytes } = event.model;
        this.line(`compress: before: accuracy ${percent(accuracy.value)}, ${formatBytes(bytes.float32)}`);
        break;
      }
      case "training":
        if (event.progress.kind === "steps" && event.progress.totalSteps !== undefined)
          this.#train(event.setting, event.progress.step, event.progress.totalSteps);
        break;
      case "candidate": {
        const { setting, model, outcome } = event.candidate;
        if (model === undefined) break;
        const found = `accuracy ${percent(model.accuracy.value)}, ${formatBytes(model.bytes.packed)}, ${outcome}`;
        this.line(`compress: ${event.done} of ${event.total}: ${shown(setting)}: ${found}`);
        break;
      }
      case "speed":
        this.line(`compress: measuring the speed of ${event.models} models in turns`);
    }
  };

  /** Shows a line of its own. */
  line(text: string): void {
    this[Symbol.dispose]();
    if (!this.quiet) this.io.stderr.write(`${text}\n`);
  }

  /** A bar for each fine-tuning on a terminal; elsewhere the candidates' lines are enough. */
  #train(setting: CompressSetting, step: number, total: number): void {
    const label = `fine-tune ${shown(setting)}`;
    if (label !== this.#label) this[Symbol.dispose]();
    this.#label = label;
    this.#progress ??= createProgress(this.io, label, this.quiet || this.io.stderr.isTTY !== true);
    this.#progress.update(step, total);
  }

  [Symbol.dispose](): void {
    this.#progress?.stop();
    this.#progress = undefined;
  }
}

function shown({ filterShare, sparsity, bits }: CompressSetting): string {
  return `filters ${filterShare}, sparsity ${sparsity}, ${bits} bits`;
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(2)} %`;
}
