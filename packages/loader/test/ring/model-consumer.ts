import { SAMPLE_STATE } from "../../dist/ring/ring.js";
import { rescue } from "../../dist/worker/rescue.js";
import { AT, type Scene, type Thread } from "./scene.js";

/** Lets the consumer go on by one operation: `EpochRun` and `WorkerPool.untilReady`. */
export function consume(scene: Scene, me: Thread): void {
  const ring = scene.setting.ring;
  const { sizes, numSlots } = scene.setting.instance;
  const { a: published, b: taken } = me;
  const slot = taken % numSlots;
  switch (me.at) {
    case AT.fills:
      me.at = published < sizes.length && published - taken < numSlots ? AT.publishes : AT.looks;
      if (me.at === AT.looks && taken === sizes.length) me.at = AT.drains;
      if (me.at === AT.publishes) write(scene, published);
      return;
    case AT.publishes: {
      const size = sizes[published] as number;
      return scene.call(
        me,
        () => ring.publish(published % numSlots, 0, size, published),
        () => {
          me.a++;
          return AT.fills;
        },
      );
    }
    case AT.looks:
      return scene.call(
        me,
        () => ring.isReady(slot),
        (isReady) => take(scene, me, isReady, me.c === 1 ? AT.rescues : AT.looksAgain),
      );
    case AT.rescues:
      return scene.call(
        me,
        () => rescue(ring, scene.setting.activities, scene.setting.deaths),
        (done) => {
          if (done !== undefined) me.c = 0;
          return AT.looksAgain;
        },
      );
    case AT.looksAgain:
      return scene.call(
        me,
        () => ring.isReady(slot),
        (isReady) => take(scene, me, isReady, AT.waitsForBatch),
      );
    case AT.waitsForBatch:
      if (me.results.length === 1) {
        me.results = [];
        me.at = me.c === 1 ? AT.rescues : AT.looksAgain;
        return;
      }
      scene.setting.stepper.step(() => void ring.waitForReady(slot, 1), me.results);
      return;
    case AT.holds:
      read(scene, taken - 1);
      me.at = AT.movesOn;
      return;
    case AT.movesOn:
      return scene.call(
        me,
        () => ring.setHead(taken),
        () => AT.fills,
      );
    case AT.drains:
      return scene.call(
        me,
        () => ring.drain(),
        () => AT.joins,
      );
    case AT.stops:
      return scene.call(
        me,
        () => ring.stop(),
        () => AT.joins,
      );
    default:
      me.at = AT.gone;
  }
}

function take(scene: Scene, me: Thread, isReady: boolean, otherwise: number): number {
  if (!isReady) return otherwise;
  read(scene, me.b);
  me.b++;
  return AT.holds;
}

/** Writes the sample numbers of a batch before it is published. */
function write(scene: Scene, batch: number): void {
  const slot = batch % scene.setting.instance.numSlots;
  scene.setting.ring.samples(slot).set([2 * batch, 2 * batch + 1]);
  scene.setting.ring.states(slot).fill(SAMPLE_STATE.missing);
}

/** Checks that a batch holds its samples, each of them once. */
function read(scene: Scene, batch: number): void {
  const slot = batch % scene.setting.instance.numSlots;
  const at = scene.setting.layout.slotsAt + slot * scene.setting.layout.slotStride + 200;
  for (let cell = 0; cell < (scene.setting.instance.sizes[batch] as number); cell++)
    if (
      scene.setting.bytes[at + cell] !== 2 * batch + cell + 1 ||
      scene.setting.ring.states(slot)[cell] !== SAMPLE_STATE.good
    )
      scene.wrong.add(`batch ${batch} is read without its sample ${cell}`);
}
