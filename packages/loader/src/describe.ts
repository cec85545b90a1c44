import { createKernels, createMemory, type Decoder } from "@millrace/image";
import type { FieldPlan } from "./fields.js";
import type { LoaderParts } from "./loader-parts.js";
import type { ResolvedOptions } from "./options.js";
import { describeOrder } from "./order/describe-order.js";
import type { RingPlan } from "./ring-plan.js";
import type { Transform } from "./transforms/transform.js";

/** What {@link describeLoader} tells of. */
export interface Described extends Pick<
  LoaderParts,
  "options" | "order" | "parts" | "fields" | "routes" | "leftOut" | "plan" | "decoder" | "root"
> {
  readonly ahead: Pick<LoaderParts["ahead"], "plan">;
  readonly samples: number;
  /** Positions of an epoch of all ranks. */
  readonly positions: number;
  readonly batches: number;
}

const CHECKSUM_TEXTS = {
  first: "checked the first time that this process reads a sample; later, only what is needed is read",
  always: "checked each time, so every sample is read whole",
  off: "never checked",
} as const;

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function rangeText(name: string, range: readonly [number, number] | undefined): string {
  return range === undefined ? "" : ` ${name} ${range[0]} to ${range[1]}`;
}

function transformText(transform: Transform): string {
  switch (transform.kind) {
    case "user":
      return `${transform.export} of ${transform.module}`;
    case "normalize": {
      const source = transform.mean === undefined && transform.std === undefined ? " (data set's)" : "";
      return `normalize${source}${transform.dtype === "float16" ? " to float16" : ""}`;
    }
    case "horizontalFlip":
    case "verticalFlip":
    case "grayscale":
      return `${transform.kind} ${transform.fraction}`;
    case "colorJitter": {
      const { brightness, contrast, saturation, hue, fraction } = transform;
      const first = `colorJitter${rangeText("brightness", brightness)}${rangeText("contrast", contrast)}`;
      return `${first}${rangeText("saturation", saturation)}${rangeText("hue", hue)} of ${fraction}`;
    }
    case "pad":
      return `pad ${transform.padding.join(", ")}`;
    case "resize":
      return `resize ${transform.height} x ${transform.width} ${transform.fit}`;
    case "randomResizedCrop":
    case "randomCrop":
    case "centerCrop":
      return `${transform.kind} ${transform.height} x ${transform.width}`;
  }
}

/** Who decodes, and why nobody faster. */
function decoderText({ name, candidates }: Decoder): string {
  const library = candidates.find((candidate) => candidate.name === name)?.library ?? name;
  const absent = candidates.flatMap((candidate) =>
    candidate.problem === undefined ? [] : [`${candidate.library} ${candidate.problem}`],
  );
  const rest = name === "sharp" ? "" : ", what is no plain JPEG by sharp";
  return `by ${name} (${library})${rest}${absent.length > 0 ? `; ${absent.join(", ")}` : ""}`;
}

function routeText(plan: FieldPlan, transforms: readonly Transform[], decoder: Decoder | undefined): string {
  const { field, route } = plan;
  if (route === "stored") return "as it is stored, read straight into the batch";
  if (route === "text") return "UTF-8, filled up with zeros";
  const by = decoder === undefined ? "" : decoderText(decoder);
  const from = field.kind === "bytes" ? `decoded from ${field.encoding} ${by}` : "read as pixels";
  const kernel = createKernels(createMemory({ byteLength: 1 }), { offset: 0, byteLength: 1 }).name;
  const calls = plan.image?.stages.length ?? 0;
  const steps = transforms.length === 0 ? "no transforms" : transforms.map(transformText).join(", ");
  return `${from}; ${steps}: ${calls} call${calls === 1 ? "" : "s"} of the ${kernel} kernel an image`;
}

function memoryText({ layout }: RingPlan): string {
  const { byteLength, numMemories, slotStride } = layout;
  const places = numMemories === 1 ? "" : ` in ${numMemories} memories, as kernels address at most 4 GiB,`;
  return `memory: ${megabytes(byteLength)} shared${places === "" ? "," : places} of which a batch is ${megabytes(slotStride)}`;
}

/** Who said which rank this is, and what becomes of positions that do not divide among the ranks or into batches. */
function rankText({ rank, worldSize, rankSource, dropLast }: ResolvedOptions): string {
  const source = rankSource === undefined || rankSource === "options" ? "" : `, as ${rankSource} says`;
  const rest = worldSize === 1 ? "a short last batch" : "a short last batch and positions that do not divide";
  const kept = worldSize === 1 ? "the last batch may be short" : "ranks that run short begin the epoch's order again";
  return `rank ${rank} of ${worldSize}${source}: ${dropLast ? `leaves out ${rest}` : kept}`;
}

/** What is not as it would be by itself. */
function variantTexts({ inject, stages, isCold }: ResolvedOptions): string[] {
  const { fetchMs, prepMs, bytesPerSec, cachedFraction } = inject;
  const isSlow = fetchMs > 0 || prepMs > 0;
  const isCached = cachedFraction > 0 && (fetchMs > 0 || bytesPerSec !== undefined);
  return [
    ...(isSlow ? [`slowed down by ${fetchMs} ms of fetch and ${prepMs} ms of prep a sample`] : []),
    ...(bytesPerSec === undefined ? [] : [`storage held to ${megabytes(bytesPerSec)} a second`]),
    ...(isCached
      ? [`${(100 * cachedFraction).toFixed(0)} % of the samples count as cached, and cost storage nothing`]
      : []),
    ...(stages === "fetch" ? ["samples are read and checked only: no decoding, no transforms"] : []),
    ...(isCold ? ["reads past the page cache where that can be"] : []),
  ];
}

/** What a loader will do and why, in a few lines of text. */
export function describeLoader(described: Described): string {
  const { options, order, fields, leftOut, plan, root, samples, batches } = described;
  const { split, batchSize, numWorkers, cpus, checksums } = options;
  const lines = [
    `${root}, split ${split}: ${samples} samples, ${batches} batches of ${batchSize} an epoch`,
    `order: ${describeOrder(order, { ...described, ...options })}`,
    rankText(options),
    ...fields.map(
      (field) =>
        `field ${field.field.name}: ${field.dtype} [${[batchSize, ...field.shape].join(", ")}], ${routeText(field, options.transforms, described.decoder)}; read ${described.routes.get(field.field.name)?.text ?? "nowhere"}`,
    ),
    ...(leftOut.length > 0 ? [`left out: ${leftOut.join(", ")}`] : []),
    numWorkers === 0
      ? "workers: none, batches are made by the calling thread when they are asked for"
      : `workers: ${numWorkers}${cpus === undefined ? "" : `, as this process may use ${cpus} CPU${cpus === 1 ? "" : "s"}`}, ${plan.runLength} samples at a time; ${plan.prefetchDepth} batches ready or in the making`,
    ...(options.tuned === undefined ? [] : [`autotune: ${options.tuned}`]),
    `read ahead: ${described.ahead.plan.isOn ? "each shard once, from front to back" : "no"}, ${described.ahead.plan.reason}`,
    memoryText(plan),
    `checksums: ${CHECKSUM_TEXTS[checksums]}; a bad sample: ${options.onBadSample}`,
    ...variantTexts(options),
  ];
  return `${lines.join("\n")}\n`;
}
