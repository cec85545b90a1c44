import type { Change, PipelineModel } from "@millrace/loader";
import { digits } from "./digits.js";
import type { WhatIfRow } from "./report.js";
import type { WhatIfSettings } from "./what-if-settings.js";

/** A slider: it stands at one of several values. */
export interface Slider {
  readonly key: Exclude<keyof WhatIfSettings, "bytesFactor" | "prepFactor">;
  readonly label: string;
  readonly tone: "prep" | "fetch" | "compute";
  /** Rising. */
  readonly values: readonly number[];
  /** How a reader sees each value. */
  readonly texts: readonly string[];
  /** Index of the value of the run. */
  readonly start: number;
  /** What a reader has to know of what it predicts. */
  readonly note?: string | undefined;
}

/** A way to store the data. */
export interface Storing {
  readonly name: string;
  readonly bytesFactor: number;
  readonly prepFactor: number;
}

const PROPORTIONAL = "A step counts as proportional to its batch: other sizes were not measured.";

const FACTORS = [0.125, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 8];
const SIDES = [0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1, 1.25, 1.5, 2];

/** Values with those that must be among them, rising, each once. */
function rising(values: readonly number[], ...more: readonly (number | undefined)[]): number[] {
  return [...new Set([...values, ...more.filter((value) => value !== undefined)])].toSorted((a, b) => a - b);
}

function upTo(last: number): number[] {
  return Array.from({ length: last + 1 }, (_, value) => value);
}

function times(factor: number): string {
  return `${Number(factor.toPrecision(3))}x`;
}

/** A value that is a whole number, and how it is shown. */
function whole(now: number): readonly [number, (value: number) => string] {
  return [now, String];
}

/**
 * The sliders of a model, with stops for what the rows propose.
 * @param isFixedKnown - Whether it was measured which part of the step does not depend on the batch.
 */
export function slidersOf(model: PipelineModel, rows: readonly WhatIfRow[], isFixedKnown: boolean): Slider[] {
  const proposed = (key: keyof Change): (number | undefined)[] => rows.map(({ change }) => change[key]);
  const slider = (
    key: Slider["key"],
    [label, tone]: readonly [string, Slider["tone"]],
    range: readonly number[],
    [now, text]: readonly [number, (value: number) => string],
    note?: string,
  ): Slider => {
    const values = rising(range, now, ...(key === "sideFactor" ? [] : proposed(key)));
    return { key, label, tone, values, texts: values.map(text), start: values.indexOf(now), note };
  };
  const { numWorkers, prefetchDepth, cores, cacheFraction, batchSize, storageBytesPerSec } = model;
  const disk = (factor: number): string =>
    storageBytesPerSec === undefined ? times(factor) : `${digits((storageBytesPerSec * factor) / 1e6)} MB/s`;
  const batches = FACTORS.map((factor) => Math.round(batchSize * factor)).filter((size) => size > 0);
  return [
    slider("numWorkers", ["workers", "prep"], upTo(Math.max(8, 2 * cores)), whole(numWorkers)),
    slider("cores", ["CPU cores", "prep"], rising([1, 2, 4, 8, 16, 32], 2 * cores), whole(cores)),
    slider("prefetchDepth", ["batches ahead", "prep"], upTo(8).slice(1), whole(prefetchDepth)),
    slider("storageFactor", ["disk speed", "fetch"], FACTORS, [1, disk]),
    slider(
      "cacheFraction",
      ["cached in memory", "fetch"],
      upTo(20).map((step) => step / 20),
      [cacheFraction, (value) => `${Math.round(value * 100)} %`],
    ),
    slider("sideFactor", ["image side", "fetch"], SIDES, [1, times]),
    slider("deviceFactor", ["device speed", "compute"], FACTORS, [1, times]),
    slider("batchSize", ["batch size", "compute"], batches, whole(batchSize), isFixedKnown ? undefined : PROPORTIONAL),
    slider("modelFactor", ["work of the model", "compute"], FACTORS, [1, times]),
  ];
}

/** The ways to store the data that the rows propose, the present one first; none if it is the only one. */
export function storingsOf(rows: readonly WhatIfRow[]): Storing[] {
  const conversions = rows
    .filter(({ change }) => change.bytesFactor !== undefined || change.prepFactor !== undefined)
    .map(({ name, change }) => ({ name, bytesFactor: change.bytesFactor ?? 1, prepFactor: change.prepFactor ?? 1 }));
  return conversions.length === 0 ? [] : [{ name: "as they are", bytesFactor: 1, prepFactor: 1 }, ...conversions];
}
