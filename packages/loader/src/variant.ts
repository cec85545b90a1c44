import { OptionError } from "@millrace/formats";
import { z } from "zod";
import { checkOption, type ResolvedOptions } from "./options.js";
import { shownValue } from "./shown-value.js";

/** What a variant of a loader does another way, see {@link Loader.variant}. What is left out stays as it is. */
export interface LoaderVariant {
  /** Threads; 0: the calling thread does the work. */
  readonly numWorkers?: number | undefined;
  /** Batches ready or in the making. Default: that of the loader, or what its option was left to, for `numWorkers`. */
  readonly prefetchDepth?: number | undefined;
  /**
   * `same` (default): as the loader does. `memory`: as if the data lay in memory: nothing is injected that storage would
   * cost. The page cache has them after they were read once. `cold`: they come from the device, past the page cache
   * (`O_DIRECT`), where that can be, see {@link LoaderFacts.coldReads}; what is injected stays, and no sample counts as
   * cached.
   */
  readonly storage?: "same" | "memory" | "cold" | undefined;
  /**
   * `all` (default), or `fetch`: workers read, and check what they read, and neither decode nor transform; what the
   * batches hold is undefined then.
   */
  readonly stages?: "all" | "fetch" | undefined;
}

/** For each name what is expected of it, in words and as a schema; numbers are checked as the options of that name. */
const CHANGES = {
  numWorkers: undefined,
  prefetchDepth: undefined,
  storage: ["same | memory | cold", z.enum(["same", "memory", "cold"])],
  stages: ["all | fetch", z.enum(["all", "fetch"])],
} as const;

function checkChange(change: LoaderVariant): void {
  for (const [name, value] of Object.entries(change)) {
    if (!Object.hasOwn(CHANGES, name)) {
      const expected = Object.keys(CHANGES).join(", ");
      throw new OptionError({ option: name, problem: "a variant has no such option", expected });
    }
    if (name === "numWorkers" || name === "prefetchDepth") {
      checkOption(name, value);
      continue;
    }
    const [expected, schema] = CHANGES[name as "storage" | "stages"];
    if (value === undefined || schema.safeParse(value).success) continue;
    throw new OptionError({ option: name, problem: "is impossible", expected, found: shownValue(value) });
  }
}

/**
 * The options of a variant: those of its loader but for the change, and from the beginning of the order.
 * @throws {@link OptionError} naming what is impossible.
 */
export function resolveVariant(options: ResolvedOptions, change: LoaderVariant): ResolvedOptions {
  checkChange(change);
  const { numWorkers = options.numWorkers, storage = "same", stages = options.stages } = change;
  const { fetchMs, prepMs, bytesPerSec, cachedFraction } = options.inject;
  const isMemory = storage === "memory";
  return {
    ...options,
    numWorkers,
    cpus: numWorkers === options.numWorkers ? options.cpus : undefined,
    tuned: undefined,
    prefetchDepth: change.prefetchDepth ?? options.prefetchDepth,
    readAhead: options.readAhead && storage === "same",
    state: undefined,
    stages,
    isCold: storage === "same" ? options.isCold : storage === "cold",
    inject: {
      fetchMs: isMemory ? 0 : fetchMs,
      prepMs: stages === "fetch" ? 0 : prepMs,
      bytesPerSec: isMemory ? undefined : bytesPerSec,
      cachedFraction: storage === "cold" ? 0 : cachedFraction,
    },
  };
}
