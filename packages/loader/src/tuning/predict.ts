import type { PipelineModel, Prediction } from "./pipeline-model.js";

/**
 * How fast a pipeline is, by arithmetic. Pure, without imports or closures, so that its compiled text runs anywhere, as in
 * the page of a report.
 *
 * For one sample let z = `fetchLatencyMs` * (1 - `cacheFraction`) be the time that a worker is blocked, c = `prepCpuMs` the
 * CPU time that it works, g = `computeCpuMs` / `batchSize` the CPU time of the step, b = `bytesPerSample` *
 * (1 - `cacheFraction`) its bytes of storage; n workers, C cores, storage gives R bytes a second. X is samples per ms.
 *
 *     P(a)                  of a busy workers, data in memory: min(a, C) / c, or the measured points with straight lines
 *                           between them; beyond the last one on by its slope. What was measured with more workers than
 *                           cores is P(C), as no more than C of them were busy at a time: of several such points that of
 *                           n workers, or of the next more. From C on P is flat
 *     X = P(n - X z)        each worker fetches and prepares in turn. By Little's law (1961) X z of them are blocked, and
 *                           only the others are busy. With the first P above: X = min(n / (z + c), C / c)
 *     X <= 1 / (1 / P(C) + g / C)    cores per stage: the largest X with shares t of the cores such that
 *                           X c <= t_prep, X g <= t_step, t_prep + t_step <= C: the linear program of Plumber (Kuchnik et
 *                           al., MLSys 2022), which with two stages on cores has this closed form
 *     X <= R / b            storage, whoever reads
 *     X <= batchSize / computeMs     the step
 *
 * So a blocked worker needs no core, and more workers than cores pay where z is large; F, P and G alone are bounds, and
 * workers that fetch and prepare in turn stay below the least of them. No more workers are at work than there are samples
 * in the making, `prefetchDepth` * `batchSize`. Without workers, or without a batch in the making beside that of the step,
 * the loader and the step take turns: their times add up.
 *
 * Left out: what varies from sample to sample. For stages of constant times one batch in the making is as good as eight; a
 * deeper ring only evens out slow samples. Left out, too, that a scheduler that is fair to more threads than cores takes
 * time of the step that this program leaves to it; and that storage may be slower for many readers than for few.
 */
export function predict(model: PipelineModel): Prediction {
  const { batchSize, numWorkers, prefetchDepth, cores, prepCpuMs, computeCpuMs, storageBytesPerSec } = model;
  const takesTurns = numWorkers < 1 || prefetchDepth < 1;
  const workers = Math.min(Math.max(1, numWorkers), batchSize * Math.max(1, prefetchDepth));
  const measured = model.scaling
    .filter((point) => point.numWorkers > 0 && point.samplesPerSec > 0)
    .toSorted((a, b) => a.numWorkers - b.numWorkers);
  const full = measured.filter((point) => point.numWorkers >= cores);
  const atCores = full.find((point) => point.numWorkers >= workers) ?? full.at(-1);
  const points = measured.filter((point) => point.numWorkers < cores);
  if (atCores !== undefined) points.push({ numWorkers: cores, samplesPerSec: atCores.samplesPerSec });

  function prepRate(busy: number): number {
    let [last, slope] = [{ numWorkers: 0, samplesPerSec: 0 }, prepCpuMs > 0 ? 1000 / prepCpuMs : Infinity];
    for (const point of points) {
      const rise = (point.samplesPerSec - last.samplesPerSec) / (point.numWorkers - last.numWorkers);
      if (point.numWorkers > busy) return last.samplesPerSec + rise * (busy - last.numWorkers);
      if (point.numWorkers > last.numWorkers)
        slope = Math.max(0, Math.min(rise, point.samplesPerSec / point.numWorkers));
      last = point;
    }
    const more = Math.min(busy, cores) - last.numWorkers;
    return more > 0 ? last.samplesPerSec + slope * more : last.samplesPerSec;
  }

  function turnRate(latencyMs: number, most: number): number {
    if (latencyMs === 0) return prepRate(workers);
    let [low, high] = [0, Math.min(most, (workers * 1000) / latencyMs)];
    for (let halving = 0; halving < 64; halving++) {
      const middle = (low + high) / 2;
      if (prepRate(workers - (middle * latencyMs) / 1000) >= middle) low = middle;
      else high = middle;
    }
    return low;
  }

  const latencyMs = Math.max(0, model.fetchLatencyMs * (1 - model.cacheFraction));
  const bytes = model.bytesPerSample * (1 - model.cacheFraction);
  const storageRate = storageBytesPerSec !== undefined && bytes > 0 ? storageBytesPerSec / bytes : Infinity;
  const most = Math.max(prepRate(cores), ...points.map((point) => point.samplesPerSec));
  const inTurn = turnRate(latencyMs, most);
  const stepSec = computeCpuMs / (1000 * batchSize * cores);
  const shared = most === Infinity ? 1 / stepSec : most / (1 + most * stepSec);
  const coreRate = takesTurns ? Infinity : shared;
  const inputPerSec = Math.min(inTurn, coreRate, storageRate);
  const computePerSec = model.computeMs > 0 ? (batchSize * 1000) / model.computeMs : Infinity;
  const turns = Math.min(storageRate, 1 / (1 / inTurn + 1 / computePerSec));
  const samplesPerSec = takesTurns ? turns : Math.min(inputPerSec, computePerSec);
  const prepMs = (workers * 1000) / inTurn - latencyMs;
  const isFetch = storageRate <= Math.min(inTurn, coreRate) || (inTurn <= coreRate && latencyMs > prepMs);
  const inputMs = storageRate <= samplesPerSec ? Infinity : Math.max(latencyMs, prepMs) / workers;
  const isCompute = takesTurns ? 1000 / computePerSec >= inputMs : computePerSec <= inputPerSec;
  const prepCores = prepCpuMs > 0 ? (samplesPerSec * prepCpuMs) / 1000 : 0;
  const computeCores = computeCpuMs > 0 ? (samplesPerSec * computeCpuMs) / (1000 * batchSize) : 0;
  return {
    samplesPerSec,
    inputPerSec,
    fetchPerSec: Math.min(latencyMs > 0 ? (workers * 1000) / latencyMs : Infinity, storageRate),
    prepPerSec: prepRate(workers),
    computePerSec,
    bound: isCompute ? "compute" : isFetch ? "fetch" : "prep",
    cores: { prep: prepCores, compute: computeCores },
  };
}
