import { STAGE_OF, type Activity, type Stage } from "../../dist/ring/activity.js";
import { SAMPLE_STATE } from "../../dist/ring/ring.js";
import { AT, type Scene, type Thread } from "./scene.js";

/** Lets a worker go on by one operation: the loop of `worker/main.ts`. */
export function work(scene: Scene, thread: Thread, worker: number): void {
  const ring = scene.setting.ring;
  const enter = (stage: Stage, at: number): void => {
    (scene.setting.activities[worker] as Activity).enter(stage, 0, -1);
    thread.at = at;
  };
  switch (thread.at) {
    case AT.open:
      return enter(STAGE_OF.fetch, AT.looksForStop);
    case AT.looksForStop:
      return scene.call(
        thread,
        () => ring.stopped,
        (stopped) => (stopped ? AT.leaves : AT.readsSignal),
      );
    case AT.readsSignal:
      return scene.call(
        thread,
        () => ring.signal,
        (signal) => ((thread.a = signal), AT.claims),
      );
    case AT.claims:
      return scene.call(
        thread,
        () => ring.claim(scene.setting.instance.runLength, scene.claim),
        (isClaimed) => {
          if (!isClaimed) return AT.looksForDrain;
          const { slot, cell, count, epoch } = scene.claim;
          [thread.a, thread.b, thread.c, thread.d] = [0, slot, cell, count];
          if (epoch !== scene.batchIn(slot)) scene.wrong.add(`a claim of batch ${scene.batchIn(slot)} says ${epoch}`);
          return AT.makes;
        },
      );
    case AT.makes:
      make(scene, thread);
      thread.at = AT.finishes;
      return;
    case AT.finishes: {
      const claim = { slot: thread.b, cell: thread.c, count: thread.d, epoch: 0 };
      return scene.call(
        thread,
        () => ring.finish(claim, 0, 0),
        () => {
          thread.a = thread.b = thread.c = thread.d = 0;
          return AT.looksForStop;
        },
      );
    }
    case AT.looksForDrain:
      return scene.call(
        thread,
        () => ring.isDraining,
        (isDraining) => (isDraining ? AT.leaves : AT.becomesIdle),
      );
    case AT.becomesIdle:
      return enter(STAGE_OF.idle, AT.waitsForWork);
    case AT.waitsForWork:
      return scene.call(
        thread,
        () => ring.waitForWork(thread.a, 1),
        () => ((thread.a = 0), AT.getsUp),
      );
    case AT.getsUp:
      return enter(STAGE_OF.fetch, AT.looksForStop);
    default:
      thread.a = 0;
      return enter(STAGE_OF.off, AT.gone);
  }
}

/** Writes the cells of a claim, which must be its own. */
function make(scene: Scene, { b: slot, c: from, d: count }: Thread): void {
  const batch = scene.batchIn(slot);
  const consumer = scene.consumer;
  if (batch < consumer.b) scene.wrong.add(`batch ${batch} is written while it is read`);
  const sharers = scene.setting.threads.filter(
    ({ at, b, c, d, results }, number) =>
      number > 0 &&
      (at === AT.makes || (at === AT.finishes && results.length === 0)) &&
      b === slot &&
      c < from + count &&
      from < c + d,
  );
  if (sharers.length > 1) scene.wrong.add(`a cell of batch ${batch} has two owners`);
  const at = scene.setting.layout.slotsAt + slot * scene.setting.layout.slotStride;
  for (let cell = from; cell < from + count; cell++) {
    scene.setting.bytes[at + 200 + cell] = (scene.setting.ring.samples(slot)[cell] as number) + 1;
    scene.setting.ring.states(slot)[cell] = SAMPLE_STATE.good;
  }
}
