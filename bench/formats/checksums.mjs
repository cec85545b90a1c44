import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { convert } from "../../packages/ingest/dist/index.js";
import { horizontalFlip, openLoader, randomResizedCrop } from "../../packages/loader/dist/index.js";
import { lineOf, takeTurns, timed } from "./measure.mjs";

const MAKE_PHOTOS = fileURLToPath(new URL("../../examples/photo-set/make.mjs", import.meta.url));
const IMAGES = 256;
const LATER_EPOCHS = 2;
/** Raw pixels take a tenth of the time of JPEGs: more epochs of them. */
const LATER_RAW_EPOCHS = 10;

/**
 * Epochs of the loader with `checksums: "first"` against `"off"`: the first epoch, which checks every sample, and later
 * ones. The ratio is off divided by first: 0.95 is 5 % slower.
 * @param {{ folder: string, rounds: number }} context
 */
export async function checksums({ folder, rounds }) {
  const photos = join(folder, "photos");
  execFileSync(process.execPath, [MAKE_PHOTOS, photos, "--train", String(IMAGES), "--val", "9", "--seed", "0"]);
  const source = join(photos, "train");
  const jpeg = join(folder, "jpeg");
  await convert({ source, out: jpeg, format: "hdf5", mode: "encoded" });
  const raw = join(folder, "raw");
  await convert({ source, out: raw, format: "hdf5", size: 224 });
  const augmented = [randomResizedCrop(224), horizontalFlip()];
  const few = Math.min(rounds, 5);
  return [
    ...(await race("JPEG, random crops", jpeg, augmented, LATER_EPOCHS, few)),
    ...(await race("raw pixels", raw, [], LATER_RAW_EPOCHS, few)),
  ];
}

async function race(what, root, transforms, laterEpochs, rounds) {
  const firsts = new Map([
    ["first", []],
    ["off", []],
  ]);
  const epochs = async (policy) => {
    const loader = await openLoader(root, { batchSize: 32, numWorkers: 1, checksums: policy, transforms });
    const firstMs = await timed(() => drain(loader, 0));
    const laterMs = await timed(async () => {
      for (let epoch = 1; epoch <= laterEpochs; epoch++) await drain(loader, epoch);
    });
    await loader.close();
    firsts.get(policy).push(firstMs);
    return laterMs / laterEpochs;
  };
  const warmUp = 1;
  const later = await takeTurns(
    new Map([
      ["first", () => epochs("first")],
      ["off", () => epochs("off")],
    ]),
    { rounds, warmUp },
  );
  const line = (epoch, times, minRatio) =>
    lineOf({
      id: `checksums ${what} ${epoch}`,
      what: `checksums first, ${epoch} of ${what}`,
      against: "checksums off",
      ours: times.get("first"),
      theirs: times.get("off"),
      scale: IMAGES / 1000,
      unit: "us an image",
      minRatio,
    });
  const first = new Map([...firsts].map(([policy, times]) => [policy, times.slice(warmUp)]));
  const isJpeg = transforms.length > 0;
  return [line("first epoch", first, isJpeg ? 0.95 : undefined), line("later epochs", later, 0.98)];
}

async function drain(loader, epoch) {
  for await (const batch of loader.epoch(epoch)) if (batch.size === 0) throw new Error("an empty batch");
}
