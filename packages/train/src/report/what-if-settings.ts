import type { Change } from "@millrace/loader";

/** Where the controls of the what-if section stand. Factors are 1 where nothing is changed. */
export interface WhatIfSettings {
  readonly numWorkers: number;
  readonly prefetchDepth: number;
  readonly cores: number;
  /** 0..1 */
  readonly cacheFraction: number;
  /** So many times as fast. */
  readonly storageFactor: number;
  readonly batchSize: number;
  /** Side of the images, times what it is. */
  readonly sideFactor: number;
  /** So many times as fast. */
  readonly deviceFactor: number;
  /** Work of a step for a sample, times what it is. */
  readonly modelFactor: number;
  /** Of the format: bytes of a sample, times what they are. */
  readonly bytesFactor: number;
  /** Of the format: work of a worker for a sample, times what it is. */
  readonly prepFactor: number;
}

/**
 * The change that settings mean. Bytes, work of a worker and of the step count as proportional to the pixels of an image.
 * Pure, without imports or closures: its compiled text runs in the page, like that of `predict`.
 */
export function settingsChange(settings: WhatIfSettings): Change {
  const pixels = settings.sideFactor * settings.sideFactor;
  return {
    numWorkers: settings.numWorkers,
    prefetchDepth: settings.prefetchDepth,
    cores: settings.cores,
    cacheFraction: settings.cacheFraction,
    storageFactor: settings.storageFactor,
    batchSize: settings.batchSize,
    deviceFactor: settings.deviceFactor,
    modelFactor: settings.modelFactor * pixels,
    bytesFactor: settings.bytesFactor * pixels,
    prepFactor: settings.prepFactor * pixels,
  };
}
