import {
  createDataset,
  indexPathOf,
  jpegSegmentColumns,
  readManifest,
  readShardIndex,
  transcodeSeekable,
  writeManifest,
  writeShardIndex,
  type ShardEntry,
  type SplitEntry,
} from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { join } from "node:path";
import sharp from "sharp";

/** A photograph-like JPEG: waves of colour with noise, whose size, subsampling and kind depend on the number. */
async function jpegOf(sample: number): Promise<Uint8Array> {
  const width = 40 + ((sample * 37) % 150);
  const height = 40 + ((sample * 53) % 130);
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < pixels.length; i++) {
    const at = Math.floor(i / 3);
    const wave = Math.sin((at % width) / 9 + sample) + Math.cos(at / width / 7 + (i % 3));
    pixels[i] = 128 + 50 * wave + ((Math.imul(i + sample, 2_654_435_761) >>> 27) & 31);
  }
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  return await (sample % 5 === 4 ? image.grayscale() : image)
    .jpeg({ chromaSubsampling: sample % 2 === 0 ? "4:2:0" : "4:4:4", progressive: sample % 3 === 2 })
    .toBuffer();
}

/** A dataset of JPEGs of many sizes with the index of their segments; every seventh is as it was, and not seekable. */
export async function makeSeekable(samples: number): Promise<string> {
  const path = join(tempDir(), "seekable");
  const schema = { fields: [{ name: "image", kind: "bytes", encoding: "jpeg" }] } as const;
  const writer = await createDataset(path, { schema, format: "hdf5" });
  const indexes: Uint8Array[] = [];
  for (let sample = 0; sample < samples; sample++) {
    const source = await jpegOf(sample);
    const made = sample % 7 === 6 ? undefined : transcodeSeekable(source);
    if (made?.kind === "refused") throw new TypeError(made.problem);
    indexes.push(made?.index ?? new Uint8Array(0));
    await writer.write(new Map([["image", made?.bytes ?? source]]));
  }
  await writer.finish();
  const manifest = await readManifest(path);
  const split = manifest.splits[0] as SplitEntry;
  const shard = split.shards[0] as ShardEntry;
  const sidecar = indexPathOf(join(path, shard.path));
  const { columns } = await readShardIndex(sidecar);
  const all = new Map([...columns, ...jpegSegmentColumns("image", indexes)]);
  const index = await writeShardIndex(sidecar, { samples, columns: all });
  await writeManifest(path, { ...manifest, splits: [{ ...split, shards: [{ ...shard, index }] }] });
  return path;
}
