import type { CandidateReport, CompressReport, CompressSetting, ModelReport } from "@millrace/train/compress";

/** A model of 100,000 parameters, of which so many are not zero. */
function model(correct: number, nonZero: number, packed: number, ms?: number): ModelReport {
  return {
    accuracy: {
      value: correct / 1000,
      interval: { low: correct / 1000 - 0.01, high: correct / 1000 + 0.008 },
      samples: 1000,
    },
    parameters: 100_000,
    nonZero,
    macs: 2_000_000,
    bytes: { float32: 402_000, gzip: 371_000, packed },
    ...(ms === undefined
      ? {}
      : {
          speed: {
            loadMs: 10 * ms,
            latency: [
              { batchSize: 1, p50Ms: ms, p95Ms: 2 * ms, passes: 200 },
              { batchSize: 64, p50Ms: 20 * ms, p95Ms: 24 * ms, passes: 40 },
            ],
            peakMemoryBytes: 5_000_000,
          },
        }),
  };
}

function tried(setting: CompressSetting, correct: number, packed: number, ms?: number): CandidateReport {
  const accuracyDrop = 0.98 - correct / 1000;
  const outcome = accuracyDrop <= 0.01 ? "within" : "lost";
  return {
    setting,
    outcome,
    reason: `rounded, it loses ${(100 * accuracyDrop).toFixed(2)} points`,
    model: model(correct, Math.round(100_000 * (1 - setting.sparsity)), packed, ms),
    accuracyDrop,
    dropInterval: { low: accuracyDrop - 0.01, high: accuracyDrop + 0.01 },
    isOnFront: outcome === "within",
  };
}

/** Four settings were tried or not; the third was chosen. */
export function sampleReport(change: Partial<CompressReport> = {}): CompressReport {
  const chosen = { filterShare: 1, sparsity: 0.9, bits: 5 };
  const candidates = [
    tried({ filterShare: 1, sparsity: 0, bits: 8 }, 980, 90_000),
    tried(chosen, 975, 9000, 1.2),
    tried({ filterShare: 1, sparsity: 0.9, bits: 4 }, 960, 7000),
    {
      setting: { filterShare: 0.5, sparsity: 0.9, bits: 4 },
      outcome: "skipped",
      reason: "filters 1, sparsity 0.9, 4 bits has lost too much already",
      isOnFront: false,
    },
  ] as const;
  return {
    reportVersion: 1,
    kind: "compress",
    facts: [{ name: "model", value: "run/<model>\u001b[31m" }],
    maxAccuracyDrop: 0.01,
    before: model(980, 100_000, 350_000, 1),
    chosen,
    after: candidates[1].model,
    candidates,
    warnings: [{ code: "slower-load", text: "Loading takes 1.20 times as long." }],
    wallMs: 61_000,
    ...change,
  };
}
