import {
  centerCrop,
  horizontalFlip,
  normalize,
  openLoader,
  pad,
  randomCrop,
  randomResizedCrop,
  resize,
  type Loader,
  type Transform,
} from "@millrace/loader";
import { indexPathOf, jpegSegmentColumn, JpegSegments, openShard } from "@millrace/formats";
import { truncateSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { planFields } from "../dist/fields.js";
import { openLoaderData } from "../dist/loader-data.js";
import { packShards } from "../dist/worker/packed-shards.js";
import { ShardTable } from "../dist/worker/shard-table.js";
import { linesOf } from "./batch-log.js";
import { transformOf } from "./make-transform.js";
import { makeSeekable } from "./make-seekable.js";

type Policy = "first" | "always" | "off";

function open(path: string, checksums: Policy, transforms: readonly Transform[], numWorkers = 0): Promise<Loader> {
  return openLoader(path, { batchSize: 8, numWorkers, checksums, transforms });
}

describe("a seekable JPEG of which only the crop is read", () => {
  it.each<[string, () => readonly Transform[]]>([
    [
      "random crops, flipped, as floats",
      () => [randomResizedCrop(32), horizontalFlip(), normalize({ mean: [0.4, 0.4, 0.4], std: [0.2, 0.2, 0.2] })],
    ],
    ["random crops as uint8", () => [randomResizedCrop(48, { scale: [0.05, 0.4] })]],
    ["the middle", () => [centerCrop(33)]],
    ["the whole", () => [resize(40)]],
    ["crops with a margin", () => [pad(20), randomCrop(52)]],
    ["a crop of what a transform of one's own made", () => [randomResizedCrop(36), transformOf(""), centerCrop(20)]],
  ])("gives the same bytes as one that is decoded whole: %s", async (_, transformsOf) => {
    const path = await makeSeekable(24);
    const transforms = transformsOf();
    await using parts = await open(path, "off", transforms);
    await using whole = await open(path, "always", transforms);
    for (let epoch = 0; epoch < 3; epoch++) expect(await linesOf(parts)).toEqual(await linesOf(whole));
  });

  it("is read whole and checked the first time, by the default policy", async () => {
    const path = await makeSeekable(24);
    const transforms = [randomResizedCrop(32), horizontalFlip()];
    await using parts = await open(path, "first", transforms, 2);
    await using whole = await open(path, "always", transforms);
    for (let epoch = 0; epoch < 3; epoch++) expect(await linesOf(parts)).toEqual(await linesOf(whole));
  });
});

describe("the index of the segments of JPEGs", () => {
  it("is read image by image, as it stands in the sidecar, of which a worker keeps no more than where each begins", async () => {
    const { schema, shards } = await openLoaderData([{ path: await makeSeekable(24) }], "train");
    const plans = planFields({
      schema,
      names: ["image"],
      transforms: [resize(8)],
      statistics: undefined,
      textBytes: new Map(),
    });
    const [location] = shards as [(typeof shards)[0]];
    const table = new ShardTable(packShards(shards), plans, 16);
    await table.open(0);
    const shard = await openShard(location);
    const column = jpegSegmentColumn(location.path, shard.index as NonNullable<typeof shard.index>, "image");
    for (let row = 0; row < 24; row++) {
      const [found, expected] = [new JpegSegments(), new JpegSegments()];
      expect(table.segments(0, 0)?.read(row, found)).toBe(column?.read(row, expected));
      expect(found).toEqual(expected);
    }
    truncateSync(indexPathOf(location.path), 300);
    expect(() => table.segments(0, 0)?.read(23, new JpegSegments())).toThrow(
      /shard-00000.index, byte \d+: the file ends too early/u,
    );
    shard.close();
    table.close();
  });
});
