import { errorToData, isMillraceError } from "@millrace/formats/shard";
import { imageHeader, type Decoder, type Pixels } from "@millrace/image";
import type { Clock } from "../clock.js";
import { Activity, STAGE_OF, type Stage } from "../ring/activity.js";
import { cellAt, memoryOf } from "../ring/layout.js";
import { Effort } from "../ring/effort.js";
import { SAMPLE_STATE, type Claim, type Ring } from "../ring/ring.js";
import type { SharedMemory } from "../ring/shared-memory.js";
import type { ThreadCpu } from "../thread-cpu.js";
import { openBenches, type Bench } from "./bench.js";
import type { CropReader } from "./crop-reader.js";
import { EffortReport } from "./effort-report.js";
import { Injector } from "./injector.js";
import { createLane, type Lane } from "./lane.js";
import { shardAt } from "./packed-shards.js";
import type { BadSample, PipelineSetup } from "./protocol.js";
import type { ShardTable } from "./shard-table.js";

/** What {@link Pipeline.open} needs to know. */
export interface PipelineOptions {
  readonly setup: PipelineSetup;
  /** Number of the worker. */
  readonly worker: number;
  readonly ring: Ring;
  readonly table: ShardTable;
  readonly clock: Clock;
  /** CPU time of this thread; `undefined` where it is not known. */
  readonly threadCpu: ThreadCpu | undefined;
  /** Makes pixels of encoded images; `undefined` where no field holds them. */
  readonly decoder: Decoder | undefined;
  /** Takes each sample that cannot be made. */
  readonly report: (bad: BadSample) => void;
}

/**
 * Larger images are decoded to memory of their own first: their header may lie, and the room that it asks for would stay
 * as long as the loader.
 */
const MAX_TARGET_BYTES = 2 ** 26;

/** Bytes of an image's pixels by its header; `undefined` if there is no telling. */
function pixelBytesOf(encoded: Uint8Array): number | undefined {
  try {
    const { width, height } = imageHeader(encoded);
    return width * height * 3;
  } catch (error) {
    // The decoder will say what is wrong with it.
    if (isMillraceError(error)) return undefined;
    throw error;
  }
}

/**
 * What a worker does with a claim: read each sample (fetch), then check, decode and transform it into its place in the
 * batch (prep). Raw pixels without transforms go from the file to the batch with no copy between.
 */
export class Pipeline {
  /** That of the memory which the claim at work lies in. */
  #bench: Bench;
  readonly #injector: Injector;
  readonly #report: EffortReport;
  readonly #lanes: readonly Lane[];
  readonly #samples: readonly Uint32Array[];
  readonly #draws: readonly Uint32Array[];
  readonly #states: readonly Uint8Array[];
  /** Number of the field of images that are made, or -1. */
  readonly #imageField: number;

  private constructor(
    readonly options: PipelineOptions,
    readonly activity: Activity,
    /** One for each memory of the ring. */
    readonly benches: readonly Bench[],
  ) {
    const { setup, worker, ring, table, clock, threadCpu } = options;
    this.#bench = benches[0] as Bench;
    this.#imageField = setup.fields.findIndex((field) => field.image !== undefined);
    this.#injector = new Injector({ setup, clock, threadClock: threadCpu, isStopped: () => ring.stopped });
    const effort = new Effort(setup.memories[0] as SharedMemory, setup.layout, worker);
    this.#report = new EffortReport({ effort, injector: this.#injector, table, threadCpu });
    this.#lanes = Array.from({ length: setup.runLength }, (_, at) => createLane(at, setup.fields.length));
    const slots = Array.from({ length: setup.layout.numSlots }, (_, slot) => slot);
    this.#samples = slots.map((slot) => ring.samples(slot));
    this.#draws = slots.map((slot) => ring.draws(slot));
    this.#states = slots.map((slot) => ring.states(slot));
  }

  /**
   * Imports the user's transforms and gets everything ready, which counts as prep.
   * @throws {@link OptionError} if a transform's module cannot be imported.
   */
  static async open(options: PipelineOptions): Promise<Pipeline> {
    const { setup, table, worker } = options;
    const activity = new Activity(setup.memories[0] as SharedMemory, setup.layout, worker);
    activity.enter(STAGE_OF.prep, options.clock.now(), -1);
    try {
      return new Pipeline(options, activity, await openBenches(setup, table, worker));
    } catch (error) {
      activity.enter(STAGE_OF.off, options.clock.now(), -1);
      throw error;
    }
  }

  /** This thread makes samples only from now on, and its CPU time counts. */
  begin(): void {
    this.#report.begin();
  }

  /** This thread ends with it. */
  end(): void {
    this.#report.publish(this.options.clock.now());
    this.#report.end();
  }

  /** Publishes what this worker is doing. */
  enter(stage: Stage, sample: number): void {
    this.activity.enter(stage, this.options.clock.now(), sample);
  }

  /**
   * Makes the samples of a claim and gives it back. Done when it returns `undefined`, or else with the promise. After
   * the ring was stopped it returns early and keeps the claim.
   */
  process(claim: Claim): Promise<void> | undefined {
    const { table, setup } = this.options;
    this.#bench = this.benches[memoryOf(setup.layout, claim.slot)] as Bench;
    let areOpen = true;
    for (let i = 0; i < claim.count; i++) {
      const lane = this.#lanes[i] as Lane;
      lane.slot = claim.slot;
      lane.cell = claim.cell + i;
      lane.epoch = claim.epoch;
      lane.sample = (this.#samples[claim.slot] as Uint32Array)[lane.cell] as number;
      lane.draw = (this.#draws[claim.slot] as Uint32Array)[lane.cell] as number;
      lane.shard = table.shardOf(lane.sample);
      lane.row = table.rowOf(lane.shard, lane.sample);
      // A sample of which workers died stays bad, whatever happens to its neighbours.
      lane.isBad = (this.#states[claim.slot] as Uint8Array)[lane.cell] === SAMPLE_STATE.bad;
      areOpen &&= lane.isBad || table.isOpen(lane.shard);
    }
    this.#bench.reader.begin(this.#lanes, claim.count);
    return areOpen ? this.#processOpen(claim) : this.#openShards(claim);
  }

  #processOpen(claim: Claim): Promise<void> | undefined {
    const { decoder } = this.options;
    if (decoder !== undefined) return this.#decodeAll(claim, decoder);
    if (this.#imageField === -1) this.#processStored(claim);
    else this.#processRaw(claim);
    return undefined;
  }

  /** Values that are taken as they are: a run at a time, as keeping account of each sample would cost as much as it. */
  #processStored(claim: Claim): void {
    const { ring } = this.options;
    const first = (this.#lanes[0] as Lane).sample;
    this.enter(STAGE_OF.fetch, first);
    for (let i = 0; i < claim.count; i++) {
      if (ring.stopped) return;
      const lane = this.#lanes[i] as Lane;
      if (lane.isBad) continue;
      this.activity.setSample(lane.sample);
      try {
        this.#read(lane);
      } catch (error) {
        this.#refuse(lane, error);
      }
    }
    this.enter(STAGE_OF.prep, first);
    for (let i = 0; i < claim.count; i++) {
      const lane = this.#lanes[i] as Lane;
      if (lane.isBad) continue;
      this.activity.setSample(lane.sample);
      try {
        this.#bench.reader.check(lane);
        this.#injector.prepare();
      } catch (error) {
        this.#refuse(lane, error);
      }
    }
    this.#finish(claim);
  }

  async #openShards(claim: Claim): Promise<void> {
    const { table } = this.options;
    for (let i = 0; i < claim.count; i++) {
      const lane = this.#lanes[i] as Lane;
      if (lane.isBad || table.isOpen(lane.shard)) continue;
      this.enter(STAGE_OF.fetch, lane.sample);
      const before = table.bytesAsked;
      await table.open(lane.shard);
      this.#injector.charge(table.bytesAsked - before);
    }
    await this.#processOpen(claim);
  }

  /** Images that are stored as pixels; or any, where reading is all there is to do. */
  #processRaw(claim: Claim): void {
    const { stages } = this.options.setup;
    for (let i = 0; i < claim.count; i++) {
      if (this.options.ring.stopped) return;
      const lane = this.#lanes[i] as Lane;
      if (lane.isBad) continue;
      try {
        this.#fetch(lane);
        this.enter(STAGE_OF.prep, lane.sample);
        this.#bench.reader.check(lane);
        if (stages === "all") this.#make(lane, lane.imageAt, lane.imageWidth, lane.imageHeight);
        this.#injector.prepare();
      } catch (error) {
        this.#refuse(lane, error);
      }
    }
    this.#finish(claim);
  }

  /**
   * A decoder that answers at once makes each image before the next is read, one after the other. Of those that answer
   * later, several run at a time, on the threads of libuv.
   */
  async #decodeAll(claim: Claim, decoder: Decoder): Promise<void> {
    const decoding: (Promise<Pixels> | undefined)[] = [];
    for (let i = 0; i < claim.count; i++) {
      if (this.options.ring.stopped) return;
      const lane = this.#lanes[i] as Lane;
      if (lane.isBad) continue;
      try {
        this.#fetch(lane);
        this.enter(STAGE_OF.prep, lane.sample);
        this.#bench.reader.check(lane);
        const pixels = this.#decode(lane, decoder);
        // What others may not overwrite is waited for.
        if (!(pixels instanceof Promise)) this.#makeDecoded(lane, pixels);
        else if (lane.isCropped || lane.target !== undefined) this.#makeDecoded(lane, await pixels);
        else {
          // It is awaited below; until then, a failure has to be nobody's.
          pixels.catch(() => undefined);
          decoding[i] = pixels;
        }
      } catch (error) {
        this.#refuse(lane, error);
      }
    }
    for (let i = 0; i < claim.count; i++) {
      const lane = this.#lanes[i] as Lane;
      const pixels = decoding[i];
      if (lane.isBad || pixels === undefined) continue;
      this.enter(STAGE_OF.prep, lane.sample);
      try {
        const decoded = await pixels;
        if (this.options.ring.stopped) return;
        this.#makeDecoded(lane, decoded);
      } catch (error) {
        this.#refuse(lane, error);
      }
    }
    this.#finish(claim);
  }

  #decode(lane: Lane, decoder: Decoder): Pixels | Promise<Pixels> {
    const encoded = lane.isCropped ? (this.#bench.cropReader as CropReader).assemble() : (lane.encoded as Uint8Array);
    lane.target = decoder.name === "sharp" ? undefined : this.#targetOf(encoded);
    return decoder.decode(encoded, { into: lane.target });
  }

  /** Where a JPEG is decoded to, so that its pixels need no copy; `undefined` for what has to be allocated anyway. */
  #targetOf(encoded: Uint8Array): Uint8Array | undefined {
    if (encoded[0] !== 0xff || encoded[1] !== 0xd8) return undefined;
    const byteLength = pixelBytesOf(encoded);
    if (byteLength === undefined || byteLength > MAX_TARGET_BYTES) return undefined;
    return this.#bench.reader.pixelsAt(this.#bench.reader.reservePixels(byteLength), byteLength);
  }

  #makeDecoded(lane: Lane, { data, width, height }: Pixels): void {
    const isInPlace = lane.target !== undefined && data.buffer === lane.target.buffer;
    const sourceAt = isInPlace ? data.byteOffset : this.#bench.reader.placePixels(data);
    this.#make(lane, sourceAt, width, height);
    this.#injector.prepare();
  }

  #fetch(lane: Lane): void {
    this.enter(STAGE_OF.fetch, lane.sample);
    this.#read(lane);
  }

  #read(lane: Lane): void {
    if (!this.#injector.isOn) {
      this.#bench.reader.fetch(lane);
      return;
    }
    const { table } = this.options;
    const before = table.bytesAsked;
    this.#bench.reader.fetch(lane);
    this.#injector.fetch(lane.sample, table.bytesAsked - before);
  }

  #make(lane: Lane, sourceAt: number, width: number, height: number): void {
    const targetAt = cellAt(this.options.setup.layout, lane.slot, this.#imageField, lane.cell);
    const { epoch, sample, draw, isCropped } = lane;
    this.#bench.maker?.make(sourceAt, width, height, epoch, sample, targetAt, isCropped, draw);
  }

  /**
   * Marks a sample as bad and reports it. A defect of millrace, or memory that runs out (a WorkerError), is not the
   * sample's fault.
   */
  #refuse(lane: Lane, error: unknown): void {
    if (!isMillraceError(error) || error.code === "WORKER") throw error;
    lane.isBad = true;
    const data = errorToData(error);
    const file = data.detail.file ?? shardAt(this.options.setup.shards, lane.shard).path;
    const detail = { ...data.detail, file, sample: data.detail.sample ?? lane.row };
    this.options.report({ slot: lane.slot, cell: lane.cell, error: { ...data, detail } });
  }

  #finish(claim: Claim): void {
    const states = this.#states[claim.slot] as Uint8Array;
    let bad = 0;
    for (let i = 0; i < claim.count; i++) {
      const lane = this.#lanes[i] as Lane;
      states[lane.cell] = lane.isBad ? SAMPLE_STATE.bad : SAMPLE_STATE.good;
      if (lane.isBad) bad++;
    }
    const now = this.options.clock.now();
    this.#report.publish(now);
    this.options.ring.finish(claim, bad, now);
  }
}
