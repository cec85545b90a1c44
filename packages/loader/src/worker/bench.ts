import { Activity } from "../ring/activity.js";
import type { SharedMemory } from "../ring/shared-memory.js";
import { CropReader, type Place } from "./crop-reader.js";
import { ImageMaker } from "./image-maker.js";
import type { PipelineSetup } from "./protocol.js";
import { SampleReader } from "./sample-reader.js";
import type { ShardTable } from "./shard-table.js";

/** What a worker makes the samples of one of the ring's memories with: its kernels run on that memory. */
export interface Bench {
  readonly reader: SampleReader;
  /** `undefined` where no field holds encoded images. */
  readonly cropReader: CropReader | undefined;
  /** `undefined` where no field holds images. */
  readonly maker: ImageMaker | undefined;
}

/**
 * A bench of each memory of the ring.
 * @throws {@link OptionError} if a transform's module cannot be imported.
 */
export async function openBenches(setup: PipelineSetup, table: ShardTable, worker: number): Promise<Bench[]> {
  const benches: Bench[] = [];
  for (const memory of setup.memories) benches.push(await openBench(setup, table, memory, worker));
  return benches;
}

async function openBench(
  setup: PipelineSetup,
  table: ShardTable,
  memory: SharedMemory,
  worker: number,
): Promise<Bench> {
  const { fields, layout, seed } = setup;
  const activity = new Activity(memory, layout, worker);
  const imageField = fields.findIndex((field) => field.image !== undefined);
  const plan = fields[imageField]?.image;
  const maker = plan === undefined ? undefined : await ImageMaker.open({ plan, seed, memory, activity });
  const place: Place | undefined =
    maker && ((lane, columns, rows) => maker.place(columns, rows, lane.epoch, lane.draw));
  const isEncoded = fields[imageField]?.field.kind === "bytes";
  const cropReader = isEncoded && place !== undefined ? new CropReader(table, imageField, place) : undefined;
  return { reader: new SampleReader(setup, table, memory, activity, cropReader, place), cropReader, maker };
}
