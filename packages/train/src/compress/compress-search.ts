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
 * Looks for the smallest model. First the filters go, share by share, each from the weights of the one before. Then, from the
 * fewest filters that are enough on, more and more weights become zero, and for each share of zeros the weights get fewer and
 * fewer bits. Each pruning is fine-tuned, as iterative pruning is (Han et al., "Learning both Weights and Connections for
 * Efficient Neural Networks", 2015). Not tried is what is harsher in every way than a setting that has lost too much, and what
 * has more weights, with as many bits, than a setting that is enough.
 */
export class CompressSearch implements Disposable {
  readonly #candidates: MadeCandidate[] = [];
  readonly #lost: CompressSetting[] = [];
  #done = 0;
  #before: ModelReport | undefined;
  /** Fine-tuned models by their share of the filters, all their weights there. */
  readonly #bases = new Map<number, LayersModel>();
  /** The model in work, of one of them. */
  #sparse: { readonly model: LayersModel; readonly filterShare: number; sparsity: number } | undefined;

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
    await this.#pruneFilters();
    const { filterShares, sparsities, bits } = settings.grid;
    for (const filterShare of settings.exhaustive ? filterShares : filterShares.toReversed())
      for (const sparsity of sparsities)
        for (const count of bits) await this.#try({ filterShare, sparsity, bits: count });
    return { before: this.#before, candidates: this.#candidates };
  }

  /** Makes the models with fewer filters, until one has lost too much. */
  async #pruneFilters(): Promise<void> {
    let [model, share] = [this.options.model, 1];
    for (const filterShare of this.settings.grid.filterShares) {
      const smaller = await this.maker.withoutFilters(model, filterShare / share);
      this.#bases.set(filterShare, smaller);
      const setting = { filterShare, sparsity: 0, bits: 32 };
      if (filterShare < 1 && !(await this.#recovers(smaller, setting))) return;
      [model, share] = [smaller, filterShare];
    }
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

  /** Notes a setting that another one has ruled out. */
  #skips(setting: CompressSetting): boolean {
    const gentler = gentlerOf(setting, this.#lost);
    const smaller = gentler === undefined && !this.settings.exhaustive ? this.#smallerThan(setting) : undefined;
    if (gentler === undefined && smaller === undefined) return false;
    // The one that has lost too much may be this very setting, which is noted then.
    if (gentler !== undefined && isHarsher(gentler, setting)) return true;
    const reason =
      gentler === undefined
        ? `cannot be smaller than ${settingText(smaller as CompressSetting)}, which is enough`
        : `${settingText(gentler)} has lost too much`;
    this.#note({ report: { setting, outcome: "skipped", reason } });
    return true;
  }

  /** A setting within the loss that has no more weights than this one would have, and no more bits. */
  #smallerThan({ filterShare, sparsity, bits }: CompressSetting): CompressSetting | undefined {
    const base = this.#bases.get(filterShare);
    if (base === undefined) return undefined;
    const weights = base.countParams() * (1 - sparsity);
    const smaller = this.#candidates.find(
      ({ report: { model, outcome, setting } }) =>
        outcome === "within" && setting.bits <= bits && (model?.nonZero ?? Infinity) <= weights,
    );
    return smaller?.report.setting;
  }

  /** The fine-tuned model with these filters and zeros; `undefined` if it has lost too much. */
  async #pruned({ filterShare, sparsity }: CompressSetting): Promise<LayersModel | undefined> {
    if (this.#sparse?.filterShare !== filterShare) {
      this.#sparse?.model.dispose();
      this.#sparse = undefined;
      const base = this.#bases.get(filterShare);
      if (base === undefined) return undefined;
      this.#sparse = { model: await cloneModel(base), filterShare, sparsity: 0 };
    }
    const { model } = this.#sparse;
    if (sparsity > this.#sparse.sparsity) {
      const masks = await this.maker.sparsify(model, sparsity);
      this.#sparse.sparsity = sparsity;
      if (!(await this.#recovers(model, { filterShare, sparsity, bits: 32 }, masks))) return undefined;
    }
    return model;
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

  /** Frees all models of the search. */
  [Symbol.dispose](): void {
    this.#sparse?.model.dispose();
    this.#sparse = undefined;
    for (const model of this.#bases.values()) model.dispose();
    this.#bases.clear();
  }
}
