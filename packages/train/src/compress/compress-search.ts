import type { LayersModel } from "@tensorflow/tfjs-layers";
import { gentlerOf, isHarsher, settingText } from "./candidate-grid.js";
import { hasCentroids, type CandidateMaker } from "./candidate-maker.js";
import { cloneModel } from "./clone-model.js";
import type { CompressOptions, CompressSettings } from "./compress-options.js";
import type { CandidateReport, CompressSetting, ModelReport } from "./compress-report.js";
import { accuracyOf, modelReport } from "./model-report.js";
import type { WeightMasks } from "./prune/index.js";
import type { QuantizedModel } from "./quantize/index.js";
import { pointsText } from "./size-text.js";
import { lossInterval } from "./wilson-interval.js";

/** A candidate as it is reported, but for its place on the front, with the bytes of its packed file. */
export interface MadeCandidate {
  readonly report: Omit<CandidateReport, "isOnFront">;
  /** Only of candidates within the loss that is allowed. */
  readonly packed?: Uint8Array | undefined;
}

/** What {@link CompressSearch} found. */
export interface Found {
  readonly before: ModelReport;
  readonly candidates: readonly MadeCandidate[];
}

/**
 * Tries settings from gentle to harsh: for each share of the filters more and more zeros, for each of these fewer and fewer
 * bits. Each pruning goes on from the weights of the one before and is fine-tuned, as iterative pruning is (Han et al.,
 * "Learning both Weights and Connections for Efficient Neural Networks", 2015). What is harsher in every way than a setting
 * that has lost too much is not tried.
 */
export class CompressSearch implements Disposable {
  readonly #candidates: MadeCandidate[] = [];
  readonly #lost: CompressSetting[] = [];
  #done = 0;
  #before: ModelReport | undefined;
  /** With all weights of this share of the filters. */
  #base: LayersModel | undefined;
  #share = 1;
  /** That model with so many zeros. */
  #sparse: LayersModel | undefined;
  #sparsity = 0;

  constructor(
    readonly options: CompressOptions,
    readonly settings: CompressSettings,
    readonly maker: CandidateMaker,
  ) {}

  /** Makes and measures the candidates. */
  async run(): Promise<Found> {
    const { options, settings, maker } = this;
    const accuracy = accuracyOf(await maker.evaluate(options.model));
    const packed = maker.pack(await maker.quantize(options.model, 32));
    this.#before = await modelReport(options.model, accuracy, packed.length);
    options.onProgress?.({ kind: "before", model: this.#before });
    const { filterShares, sparsities, bits } = settings.grid;
    for (const filterShare of filterShares)
      for (const sparsity of sparsities)
        for (const count of bits) await this.#try({ filterShare, sparsity, bits: count });
    return { before: this.#before, candidates: this.#candidates };
  }

  async #try(setting: CompressSetting): Promise<void> {
    this.#done++;
    if (this.#skips(setting)) return;
    const model = await this.#pruned(setting);
    if (this.#skips(setting) || model === undefined) return;
    const quantized = await this.maker.quantize(model, setting.bits);
    const isWithin = await this.#measure(setting, quantized, "rounded", hasCentroids(setting.bits));
    if (isWithin || !hasCentroids(setting.bits)) return;
    const tuned = await this.maker.fineTuneCentroids(quantized, setting);
    await this.#measure(setting, tuned, "with its centroids fine-tuned");
  }

  /** Notes a setting that a gentler one has ruled out. */
  #skips(setting: CompressSetting): boolean {
    const gentler = gentlerOf(setting, this.#lost);
    if (gentler === undefined) return false;
    const isNoted = isHarsher(gentler, setting);
    if (!isNoted) {
      const reason = `${settingText(gentler)} has lost too much already`;
      this.#note({ report: { setting, outcome: "skipped", reason } });
    }
    return true;
  }

  /** The fine-tuned model with these filters and zeros; `undefined` if it has lost too much. */
  async #pruned({ filterShare, sparsity }: CompressSetting): Promise<LayersModel | undefined> {
    this.#base ??= await cloneModel(this.options.model);
    if (filterShare < this.#share) {
      const smaller = await this.maker.withoutFilters(this.#base, filterShare / this.#share);
      this.#base.dispose();
      this.#base = smaller;
      this.#share = filterShare;
      this.#forgetSparse();
      if (!(await this.#recovers(smaller, { filterShare, sparsity: 0, bits: 32 }))) return undefined;
    }
    this.#sparse ??= await cloneModel(this.#base);
    if (sparsity > this.#sparsity) {
      const masks = await this.maker.sparsify(this.#sparse, sparsity);
      this.#sparsity = sparsity;
      if (!(await this.#recovers(this.#sparse, { filterShare, sparsity, bits: 32 }, masks))) return undefined;
    }
    return this.#sparse;
  }

  /** Fine-tunes a model that was pruned, once more if once is not enough. False if it has lost too much even so. */
  async #recovers(model: LayersModel, setting: CompressSetting, masks?: WeightMasks): Promise<boolean> {
    for (let round = 0; round < 2; round++) {
      await this.maker.fineTune(model, setting, masks);
      const { accuracy } = await this.maker.evaluate(model);
      if (this.#dropOf(accuracy) <= this.settings.maxAccuracyDrop) return true;
    }
    await this.#measure(setting, await this.maker.quantize(model, 32), "pruned and fine-tuned twice");
    return false;
  }

  /**
   * Measures the model that a packed file would hold, and notes it as a candidate.
   * @param how - What was done to it last.
   * @param isOpen - If it has lost too much, it is not noted, as there is more to try.
   */
  async #measure(setting: CompressSetting, quantized: QuantizedModel, how: string, isOpen = false): Promise<boolean> {
    const { maker, settings } = this;
    const before = (this.#before as ModelReport).accuracy;
    const packed = maker.pack(quantized);
    const model = await maker.unpack(packed);
    try {
      const accuracy = accuracyOf(await maker.evaluate(model));
      const accuracyDrop = this.#dropOf(accuracy.value);
      const isWithin = accuracyDrop <= settings.maxAccuracyDrop;
      if (!isWithin && isOpen) return false;
      if (!isWithin) this.#lost.push(setting);
      this.#note({
        report: {
          setting,
          outcome: isWithin ? "within" : "lost",
          reason: `${how}, it loses ${pointsText(accuracyDrop)} points`,
          model: await modelReport(model, accuracy, packed.length),
          accuracyDrop,
          dropInterval: lossInterval(before, accuracy),
        },
        packed: isWithin ? packed : undefined,
      });
      return isWithin;
    } finally {
      model.dispose();
    }
  }

  #dropOf(accuracy: number): number {
    const drop = (this.#before as ModelReport).accuracy.value - accuracy;
    // 0.99 - 0.98 is a little more than 0.01.
    return Math.round(drop * 1e9) / 1e9;
  }

  #note(candidate: MadeCandidate): void {
    this.#candidates.push(candidate);
    const { filterShares, sparsities, bits } = this.settings.grid;
    const total = filterShares.length * sparsities.length * bits.length;
    this.options.onProgress?.({ kind: "candidate", candidate: candidate.report, done: this.#done, total });
  }

  #forgetSparse(): void {
    this.#sparse?.dispose();
    this.#sparse = undefined;
    this.#sparsity = 0;
  }

  /** Frees all models of the search. */
  [Symbol.dispose](): void {
    this.#forgetSparse();
    this.#base?.dispose();
    this.#base = undefined;
  }
}
