import type { Loader, LoaderFacts, LoaderStats, LoaderVariant } from "@millrace/loader";

/** What the phases need of a loader's variant. */
export interface LoaderToDrain extends AsyncIterable<unknown> {
  stats(): Pick<LoaderStats, "readBytes" | "samples" | "stages" | "workerCpuMs">;
  facts(): LoaderFacts;
  close(): Promise<void>;
}

/** A loader that can be opened again with one thing changed, as millrace's can. */
export interface MeasurableLoader extends Pick<LoaderToDrain, "stats" | "facts"> {
  variant(change: LoaderVariant): Promise<LoaderToDrain>;
}

/** The names of {@link MeasurableLoader}. */
const METHODS: readonly (keyof Loader & keyof MeasurableLoader)[] = ["variant", "facts", "stats"];

/** The source of batches as a loader that can be measured in parts; `undefined` for any other iterable. */
export function asMeasurable(source: unknown): MeasurableLoader | undefined {
  const methods = (source ?? {}) as Readonly<Record<string, unknown>>;
  return METHODS.every((name) => typeof methods[name] === "function") ? (source as MeasurableLoader) : undefined;
}
