import { changeModel, defaultPrefetchDepth, predict, type Bound, type PipelineModel } from "@millrace/loader";

/** A setting of the loader. */
export interface NeededSetting {
  readonly numWorkers: number;
  readonly prefetchDepth: number;
}

/** What a smaller model asks of the input. Rates are samples per second. */
export interface InputLink {
  /** Time of the smaller model for a batch over that of the model before. */
  readonly latencyRatio: number;
  /** The setting that the pipeline has now. */
  readonly setting: NeededSetting;
  /** Of the whole with the model before, and what limited it. */
  readonly beforePerSec: number;
  readonly boundBefore: Bound;
  /** Of the whole with the smaller model at the same setting, and what limits it. */
  readonly afterPerSec: number;
  readonly boundAfter: Bound;
  /** Of the smaller model alone, with batches that are there. */
  readonly modelPerSec: number;
  /**
   * A model that is faster than this waits for the loader at the present setting; `undefined` where the loader has no
   * limit that was met, so that no model waits.
   */
  readonly inputBoundAtPerSec: number | undefined;
  readonly isInputBoundAfter: boolean;
  /**
   * The fewest workers, with their depth, that feed the smaller model; the present setting where it does; `undefined` where
   * none does.
   */
  readonly neededSetting: NeededSetting | undefined;
  /** Of the whole at the setting that is needed, or, where none is enough, at the best one there is. */
  readonly thenPerSec: number;
  /** One sentence. */
  readonly text: string;
}

/** A whole that is this close to the model alone is not held up by its input. */
const CLOSE_TO_MODEL = 0.98;
/** Threads that wait for storage need no core. */
const WORKERS_A_CORE_IF_BLOCKED = 8;
const HALVINGS = 60;

/**
 * Where the bottleneck goes when a model becomes smaller: at which throughput it becomes input-bound, and which loader
 * setting it then needs. Pure arithmetic on the model of a profile, by `predict` of `@millrace/loader`.
 *
 * The throughput at which a model becomes input-bound is where its own rate meets that of the loader beside it: a smaller
 * model also leaves more of the cores to the workers, so this is not simply the loader's rate in the run before.
 * @param model - Of a profile of the model before compression.
 * @param latencyRatio - What the smaller model takes for a batch, over what the model before takes; above 0.
 */
export function inputLink(model: PipelineModel, latencyRatio: number): InputLink {
  const before = predict(model);
  const smaller = changeModel(model, { modelFactor: latencyRatio });
  const after = predict(smaller);
  const isInputBoundAfter = after.samplesPerSec < CLOSE_TO_MODEL * after.computePerSec;
  const setting = { numWorkers: model.numWorkers, prefetchDepth: model.prefetchDepth };
  const best = isInputBoundAfter ? bestSetting(smaller) : { setting, perSec: after.samplesPerSec, isEnough: true };
  const link = {
    latencyRatio,
    setting,
    beforePerSec: before.samplesPerSec,
    boundBefore: before.bound,
    afterPerSec: after.samplesPerSec,
    boundAfter: after.bound,
    modelPerSec: after.computePerSec,
    inputBoundAtPerSec: inputBoundAt(model),
    isInputBoundAfter,
    neededSetting: best.isEnough ? best.setting : undefined,
    thenPerSec: best.perSec,
  };
  return { ...link, text: textOf(link, best.setting, model.cores) };
}

/** The rate of a model that the loader only just feeds, by halving the range of its speed. */
function inputBoundAt(model: PipelineModel): number | undefined {
  const rates = (factor: number): { model: number; isFed: boolean } => {
    const { samplesPerSec, computePerSec } = predict(changeModel(model, { modelFactor: factor }));
    return { model: computePerSec, isFed: samplesPerSec >= CLOSE_TO_MODEL * computePerSec };
  };
  let [fed, starved] = [1e6, 1e-9];
  if (rates(starved).isFed) return undefined;
  if (!rates(fed).isFed) return 0;
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = Math.sqrt(fed * starved);
    if (rates(middle).isFed) fed = middle;
    else starved = middle;
  }
  return rates(fed).model;
}

interface BestSetting {
  readonly setting: NeededSetting;
  readonly perSec: number;
  /** Whether it feeds the model. */
  readonly isEnough: boolean;
}

/** The fewest workers that feed the model, or that come as close as any number does. */
function bestSetting(model: PipelineModel): BestSetting {
  const { fetchPerSec, prepPerSec, computePerSec } = predict(model);
  const most = Math.max(1, model.cores) * (fetchPerSec < prepPerSec ? WORKERS_A_CORE_IF_BLOCKED : 1);
  const least = Math.max(1, model.numWorkers);
  const counts = Array.from({ length: Math.max(1, most - least + 1) }, (_, more) => least + more);
  const settings = counts.map((numWorkers) => {
    const prefetchDepth = Math.max(model.prefetchDepth, defaultPrefetchDepth(numWorkers));
    const setting = { numWorkers, prefetchDepth };
    const perSec = predict(changeModel(model, setting)).samplesPerSec;
    return { setting, perSec, isEnough: perSec >= CLOSE_TO_MODEL * computePerSec };
  });
  const highest = Math.max(...settings.map(({ perSec }) => perSec));
  const enough = settings.find(({ isEnough }) => isEnough);
  return enough ?? (settings.find(({ perSec }) => perSec >= CLOSE_TO_MODEL * highest) as BestSetting);
}

const SOURCES: Readonly<Record<Bound, string>> = {
  fetch: "reading",
  prep: "the workers' CPU time",
  compute: "the model",
};

function textOf(link: Omit<InputLink, "text">, best: NeededSetting, cores: number): string {
  const { inputBoundAtPerSec, isInputBoundAfter, neededSetting, modelPerSec, afterPerSec, boundAfter } = link;
  if (inputBoundAtPerSec === undefined) return "No limit of the loader was met: no model waits for its input.";
  const limit = `With ${shown(link.setting)} a model becomes input-bound at ${rate(inputBoundAtPerSec)} samples/s`;
  if (!isInputBoundAfter) return `${limit}; the smaller one takes ${rate(modelPerSec)}, so the setting stays.`;
  const held = `${limit}; the smaller one could take ${rate(modelPerSec)} and gets ${rate(afterPerSec)}, held up by ${SOURCES[boundAfter]}`;
  if (neededSetting !== undefined)
    return `${held}. It needs ${shown(neededSetting)}: ${rate(link.thenPerSec)} samples/s.`;
  const way = boundAfter === "fetch" ? "faster storage or data that stay in memory" : "more cores or cheaper data";
  return `${held}. No number of workers on ${cores} cores feeds it: ${shown(best)} would bring ${rate(link.thenPerSec)} samples/s; beyond that it takes ${way}.`;
}

function shown({ numWorkers, prefetchDepth }: NeededSetting): string {
  return `${numWorkers} ${numWorkers === 1 ? "worker" : "workers"} and a prefetch depth of ${prefetchDepth}`;
}

function rate(samplesPerSec: number): string {
  return samplesPerSec.toLocaleString("en-US", { maximumFractionDigits: samplesPerSec < 100 ? 1 : 0 });
}
