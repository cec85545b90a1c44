import type { ScalingPoint } from "@millrace/loader";
import type { Drained } from "./drain.js";
import { drainMemory } from "./loader-phases.js";
import type { MeasurableLoader } from "./measurable-loader.js";
import { whyNot, type PhaseContext } from "./phase-context.js";

/** How often each number of workers is measured. */
const ROUNDS = 2;

/**
 * P with 1, 2, 4, ... workers up to the CPUs, and with the number that the loader has. They take turns, up and down again:
 * what a machine loses for some seconds to others, or to its heat, is not mistaken for what the number makes.
 *
 * @param inMemory - Batches that the page cache has.
 */
export async function measureScaling(
  loader: MeasurableLoader,
  memory: Drained,
  inMemory: number,
  context: PhaseContext,
): Promise<ScalingPoint[]> {
  const { cpus, numWorkers } = memory.facts;
  const counts = [...new Set([...powersTo(cpus), numWorkers])].filter((count) => count > 0).toSorted((a, b) => a - b);
  const sums = new Map<number, Sum>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const count of round % 2 === 0 ? counts : counts.toReversed()) {
      try {
        const { blocks } = await drainMemory(loader, { numWorkers: count }, inMemory, context);
        if (blocks.samplesPerSec !== undefined) sums.set(count, added(sums.get(count), blocks));
      } catch (error) {
        // A point less on a curve that refines the model.
        whyNot(error, context.signal);
      }
    }
  }
  return [...sums].map(([count, { samples, wallMs }]) => ({
    numWorkers: count,
    samplesPerSec: (samples * 1000) / wallMs,
  }));
}

interface Sum {
  readonly samples: number;
  readonly wallMs: number;
}

function added(sum: Sum = { samples: 0, wallMs: 0 }, { samples, wallMs }: Sum): Sum {
  return { samples: sum.samples + samples, wallMs: sum.wallMs + wallMs };
}

/** The powers of two below `most`, and `most`. */
function powersTo(most: number): number[] {
  const powers = Array.from({ length: Math.ceil(Math.log2(most)) }, (_, power) => 2 ** power);
  return [...powers, most];
}
