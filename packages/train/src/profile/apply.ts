import type { Change, LoaderFacts } from "@millrace/loader";
import type { AppliedReport, ProfileReport, Warning, WhatIfRow } from "../report/report.js";
import { profile, type ProfileOptions } from "./profile.js";
import type { PhaseOptions } from "./phases/phase-options.js";
import { wholeNumber } from "./whole-number.js";

/**
 * What of a loader can be changed by opening it again. What is not changed is left out, so that the setting can be spread
 * over the options that the loader had at first.
 */
export interface LoaderSetting {
  readonly numWorkers?: number | undefined;
  readonly prefetchDepth?: number | undefined;
}

/** A loader that {@link profileAndApply} opens; millrace's is one. */
export interface ApplyLoader<B> extends AsyncIterable<B> {
  /** What the loader is, in numbers. */
  facts(): LoaderFacts;
  /** Ends it. */
  close(): Promise<void>;
}

/** How to profile, change, and profile again. */
export interface ApplyOptions<B> extends Omit<ProfileOptions<B>, "loader" | "phases"> {
  /** Opens the loader, at first with `{}`. It is closed after its run. */
  readonly open: (setting: LoaderSetting) => Promise<ApplyLoader<B>>;
  /** Changes made one after the other, at most. Default 3. */
  readonly rounds?: number | undefined;
  /** How the phases are measured that the predictions come from. */
  readonly phases?: PhaseOptions<B> | undefined;
  /** Told of a change before the loader is opened with it. */
  readonly onApply?: ((row: WhatIfRow) => void) | undefined;
}

/** Changes that are predicted to gain less are not made. */
const LEAST_GAIN = 0.05;
/** Slower by more than this after a change is worse, not noise. */
const WORSE = 0.03;
/** What {@link LoaderSetting} has. */
const SETTINGS: ReadonlySet<string> = new Set<keyof LoaderSetting>(["numWorkers", "prefetchDepth"]);

/**
 * Profiles a loop, makes the best change that needs no other hardware and no other data, and profiles again, as long as
 * more than 5 % is predicted. The report is that of the last run; `applied` has each change with the throughput before,
 * predicted, and measured.
 *
 * ```ts
 * const report = await profileAndApply({
 *   open: (setting) => openLoader("shards/", { numWorkers: 1, ...setting }),
 *   step,
 * });
 * ```
 * @throws as {@link profile} does, and what `open` throws.
 */
export async function profileAndApply<B>(options: ApplyOptions<B>): Promise<ProfileReport> {
  const rounds = wholeNumber("rounds", options.rounds ?? 3, 1);
  const applied: AppliedReport[] = [];
  const warnings: Warning[] = [];
  let setting: LoaderSetting = {};
  let report = await measure(options, setting, undefined);
  // What a noisy machine makes look good is not gone back to.
  const tried = new Set([keyOf({ numWorkers: report.model?.numWorkers })]);
  while (applied.length < rounds) {
    const row = bestRow(report.whatIf ?? [], setting, tried);
    if (row === undefined) break;
    setting = withChange(setting, row.change);
    tried.add(keyOf(setting));
    options.onApply?.(row);
    const next = await measure(options, setting, row);
    if (next.failure !== undefined) {
      report = next;
      break;
    }
    const entry = appliedReport(row, report, next);
    applied.push(entry);
    report = next;
    if (entry.measuredPerSec >= entry.beforePerSec * (1 - WORSE)) continue;
    warnings.push(worseWarning(entry));
    break;
  }
  if (applied.length === 0) warnings.push(nothingWarning(report));
  return { ...report, applied, warnings: [...report.warnings, ...warnings] };
}

async function measure<B>(
  options: ApplyOptions<B>,
  setting: LoaderSetting,
  row: WhatIfRow | undefined,
): Promise<ProfileReport> {
  const { open, rounds: _, onApply: __, phases = {}, history, ...common } = options;
  const applied = row && { name: row.name, predictedPerSec: row.samplesPerSec };
  const loader = await open(setting);
  try {
    return await profile({
      ...common,
      loader,
      phases: { scaling: true, ...phases },
      history: history && { ...history, applied },
    });
  } finally {
    await loader.close();
  }
}

/** The best change that a loader can be opened with and that was not made yet. */
function bestRow(
  rows: readonly WhatIfRow[],
  setting: LoaderSetting,
  tried: ReadonlySet<string>,
): WhatIfRow | undefined {
  return rows.find(
    ({ change, needs, gain }) =>
      needs === "option" &&
      gain > LEAST_GAIN &&
      Object.keys(change).every((name) => SETTINGS.has(name)) &&
      !tried.has(keyOf(withChange(setting, change))),
  );
}

function withChange(setting: LoaderSetting, { numWorkers, prefetchDepth }: Change): LoaderSetting {
  return {
    ...setting,
    ...(numWorkers === undefined ? {} : { numWorkers }),
    ...(prefetchDepth === undefined ? {} : { prefetchDepth }),
  };
}

function keyOf({ numWorkers, prefetchDepth }: LoaderSetting): string {
  return `${numWorkers} ${prefetchDepth}`;
}

function appliedReport(row: WhatIfRow, before: ProfileReport, after: ProfileReport): AppliedReport {
  const measuredPerSec = after.throughput.samplesPerSec ?? 0;
  return {
    name: row.name,
    change: row.change,
    beforePerSec: before.throughput.samplesPerSec ?? 0,
    predictedPerSec: row.samplesPerSec,
    measuredPerSec,
    errorFraction: measuredPerSec > 0 ? row.samplesPerSec / measuredPerSec - 1 : 0,
    before: before.verdict.kind,
    after: after.verdict.kind,
  };
}

function worseWarning({ name, beforePerSec, measuredPerSec }: AppliedReport): Warning {
  return {
    code: "applied-worse",
    text: `${name} made the run slower, ${beforePerSec.toFixed(0)} to ${measuredPerSec.toFixed(0)} samples/s: keep the setting of before. The machine may be noisy, or busy with something else.`,
  };
}

function nothingWarning({ failure, model }: ProfileReport): Warning {
  const missing =
    failure === undefined ? "there is no model of the run: see the notes of its phases" : "the run failed";
  const why =
    model === undefined ? missing : "no other number of workers or prefetch depth is predicted to gain more than 5 %";
  return { code: "nothing-applied", text: `Nothing was changed: ${why}.` };
}
