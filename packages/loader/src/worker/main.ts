import { errorToData } from "@millrace/formats/shard";
import { createDecoder } from "@millrace/image";
import { threadId } from "node:worker_threads";
import { createSystemClock, type Clock } from "../clock.js";
import { ThreadCpu } from "../thread-cpu.js";
import { STAGE_OF } from "../ring/activity.js";
import { Ring, type Claim } from "../ring/ring.js";
import { Pipeline } from "./pipeline.js";
import type { WorkerResult, WorkerTask } from "./protocol.js";
import { ShardTable } from "./shard-table.js";

/** An idle worker looks around this often, even if nobody calls it. */
const LOOK_AROUND_MS = 1000;

/** What this thread keeps from one task to the next; a thread serves one loader only. */
let table: ShardTable | undefined;
let clock: Clock | undefined;
let threadCpu: ThreadCpu | undefined;

/** The task of a worker thread: makes samples until the ring is stopped. Does not throw. */
export async function work(task: WorkerTask): Promise<WorkerResult> {
  try {
    await makeSamples(task);
    return { ok: true };
  } catch (error) {
    return { ok: false, error: errorToData(error) };
  } finally {
    task.port.close();
  }
}

async function makeSamples({ setup, worker, port }: WorkerTask): Promise<void> {
  clock ??= createSystemClock();
  threadCpu ??= ThreadCpu.open();
  table ??= new ShardTable(setup.shards, setup.fields, setup.maxOpenFiles, setup.isCold);
  const ring = new Ring(setup.memories, setup.layout);
  const decoder = setup.decoder === undefined ? undefined : createDecoder({ decoder: setup.decoder });
  const report = port.postMessage.bind(port);
  const pipeline = await Pipeline.open({ setup, worker, ring, table, clock, threadCpu, decoder, report });
  const claim: Claim = { slot: 0, cell: 0, count: 0, epoch: 0 };
  pipeline.activity.setThread(threadId);
  pipeline.begin();
  pipeline.enter(STAGE_OF.fetch, -1);
  try {
    while (!ring.stopped) {
      const { signal } = ring;
      if (ring.claim(setup.runLength, claim)) {
        const pending = pipeline.process(claim);
        if (pending !== undefined) await pending;
        continue;
      }
      if (ring.isDraining) break;
      pipeline.enter(STAGE_OF.idle, -1);
      ring.waitForWork(signal, LOOK_AROUND_MS);
      // Before it claims: whoever takes back the claims of the dead relies on an idle worker having none.
      pipeline.enter(STAGE_OF.fetch, -1);
    }
  } finally {
    pipeline.end();
    pipeline.enter(STAGE_OF.off, -1);
  }
}
