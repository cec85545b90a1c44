import { systemClock } from "../clock.js";
import { modelFiles } from "../model-file/model-file.js";
import { artifactsOf, loadFiles } from "./clone-model.js";
import { paretoFront } from "./candidate-grid.js";
import { CandidateMaker } from "./candidate-maker.js";
import { resolveCompressOptions, type CompressOptions } from "./compress-options.js";
import {
  COMPRESS_REPORT_VERSION,
  type CandidateReport,
  type CompressReport,
  type ModelReport,
} from "./compress-report.js";
import { CompressSearch, type Found, type MadeCandidate } from "./compress-search.js";
import { compressWarnings } from "./compress-warnings.js";
import { measureSpeed, type LoadModel } from "./measure-speed.js";

/** What {@link compressModel} returns. */
export interface CompressResult {
  readonly report: CompressReport;
  /**
   * The chosen model as the bytes of `model.packed`, for {@link unpackModel}; `undefined` if no candidate is within the loss
   * that is allowed.
   */
  readonly packed: Uint8Array | undefined;
}

/** Models whose speed is measured beside the one before and the one chosen; of an exhaustive search all. */
const OTHERS_MEASURED = 3;

/**
 * Looks for the smallest model, by the bytes of its packed file, that loses no more accuracy than is allowed: fewer filters,
 * more zeros, fewer bits, each fine-tuned. Accuracy is that of the packed model itself, on the validation split; since the
 * best of many is chosen by it, expect a little less on other samples.
 *
 * ```ts
 * const { report, packed } = await compressModel({ model, backend, loader, validation, maxAccuracyDrop: 0.01 });
 * console.log(formatCompressReport(report));
 * ```
 * Memory: the model stays the caller's, and as it is; no tensor is left when the promise settles.
 * @throws OptionError if an option is impossible or does not fit the model or the batches; UnsupportedError if a layer
 * cannot be pruned and is not ignored; as {@link train} and {@link evaluate}; the signal's reason when it aborts.
 */
export async function compressModel(options: CompressOptions): Promise<CompressResult> {
  const settings = resolveCompressOptions(options);
  const { clock = systemClock } = options;
  const start = clock.now();
  const maker = new CandidateMaker(options, settings);
  using search = new CompressSearch(options, settings, maker);
  const found = await search.run();
  const made = withFront(found);
  const chosen = smallest(made);
  const measured = await withSpeed(found.before, made, chosen, maker);
  const after = measured.candidates.find(({ setting }) => setting === chosen?.report.setting)?.model;
  const report: CompressReport = {
    reportVersion: COMPRESS_REPORT_VERSION,
    kind: "compress",
    facts: options.facts ?? [],
    maxAccuracyDrop: settings.maxAccuracyDrop,
    before: measured.before,
    ...(chosen === undefined ? {} : { chosen: chosen.report.setting, after }),
    candidates: measured.candidates,
    warnings: compressWarnings({ before: measured.before, after, settings, model: options.model }),
    wallMs: clock.now() - start,
  };
  return { report, packed: chosen?.packed };
}

interface FrontCandidate extends MadeCandidate {
  readonly report: CandidateReport;
}

/** Tells which candidates are worth a look. */
function withFront({ candidates }: Found): FrontCandidate[] {
  const models = candidates.flatMap(({ report }) =>
    report.model === undefined
      ? []
      : [{ report, accuracy: report.model.accuracy.value, bytes: report.model.bytes.packed }],
  );
  const front = new Set(paretoFront(models).map(({ report }) => report));
  return candidates.map(({ report, packed }) => ({ report: { ...report, isOnFront: front.has(report) }, packed }));
}

/** Of candidates of the same size the first, which is the gentler one, is taken. */
function smallest(candidates: readonly FrontCandidate[]): FrontCandidate | undefined {
  return candidates
    .filter(({ packed }) => packed !== undefined)
    .toSorted((a, b) => (a.packed?.length ?? 0) - (b.packed?.length ?? 0))[0];
}

interface Measured {
  readonly before: ModelReport;
  readonly candidates: readonly CandidateReport[];
}

/** Measures the speed of the model before, the chosen one, and some others of the front. */
async function withSpeed(
  before: ModelReport,
  made: readonly FrontCandidate[],
  chosen: FrontCandidate | undefined,
  maker: CandidateMaker,
): Promise<Measured> {
  const { options, settings } = maker;
  const { model, backend, clock = systemClock, signal, onProgress } = options;
  const within = made.filter(({ packed }) => packed !== undefined);
  const others = settings.exhaustive ? within : within.filter(({ report }) => report.isOnFront);
  const measured = [...new Set([chosen, ...others])].filter((candidate) => candidate !== undefined);
  const worth = settings.exhaustive ? measured : measured.slice(0, OTHERS_MEASURED + 1);
  onProgress?.({ kind: "speed", models: worth.length + 1 });
  const files = modelFiles(await artifactsOf(model));
  const loaders: LoadModel[] = [
    async () => await loadFiles(files),
    ...worth.map(
      ({ packed }) =>
        async () =>
          await maker.unpack(packed as Uint8Array),
    ),
  ];
  const [speed, ...speeds] = await measureSpeed(loaders, { backend, clock, ms: settings.speedMs, signal });
  const speedOf = new Map(worth.map(({ report }, index) => [report, speeds[index]]));
  const candidates = made.map(({ report }) => {
    const found = speedOf.get(report);
    if (found === undefined || report.model === undefined) return report;
    return { ...report, model: { ...report.model, speed: found } };
  });
  return { before: { ...before, speed }, candidates };
}
