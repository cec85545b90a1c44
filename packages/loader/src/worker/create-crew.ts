import { createDecoder } from "@millrace/image";
import type { Clock } from "../clock.js";
import type { WorkerDeath } from "../diagnostics.js";
import type { Ring } from "../ring/ring.js";
import type { ReadAhead } from "../storage/read-ahead.js";
import type { Crew } from "./crew.js";
import { InlineCrew } from "./inline-crew.js";
import { WorkerPool } from "./pool.js";
import type { PipelineSetup } from "./protocol.js";

/** What {@link createCrew} needs to know. */
export interface CrewOptions {
  readonly setup: PipelineSetup;
  readonly ring: Ring;
  readonly clock: Clock;
  readonly workerTimeoutMs: number;
  /** Is told of each worker that died. */
  readonly onDeath: (death: WorkerDeath) => void;
  /** Reads the shards into the memory of the system while workers read samples. */
  readonly readAhead?: ReadAhead | undefined;
}

/** Threads, or none, as the setup says. */
export function createCrew(options: CrewOptions): Crew {
  const { setup } = options;
  if (setup.layout.numWorkers > 0) return new WorkerPool(options);
  const decoder = setup.decoder === undefined ? undefined : createDecoder({ decoder: setup.decoder });
  return new InlineCrew({ ...options, decoder });
}
