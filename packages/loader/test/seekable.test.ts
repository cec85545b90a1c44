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
import { describe, expect, it } from "vitest";
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
