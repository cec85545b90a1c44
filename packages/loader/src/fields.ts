import {
  OptionError,
  tensorBytes,
  dtypeBytes,
  elementsOf,
  type Dtype,
  type Field,
  type Schema,
  type Statistics,
  UnsupportedError,
} from "@millrace/formats";
import type { OutputLayout } from "@millrace/image";
import { planTransforms, type ImagePlan, type ImageSource } from "./transforms/plan.js";
import type { Transform } from "./transforms/transform.js";

/** A field as it stands in batches, and how its value comes there. Plain data. */
export interface FieldPlan {
  readonly field: Field;
  /**
   * `stored`: the bytes as they are in the shard; `image`: pixels that went through the transforms; `text`: UTF-8,
   * filled up with zeros.
   */
  readonly route: "stored" | "image" | "text";
  readonly dtype: Dtype;
  /** Of one sample. */
  readonly shape: readonly number[];
  /** Bytes of one sample in the ring. */
  readonly cellBytes: number;
  /** Present for the route `image`. */
  readonly image: ImagePlan | undefined;
}

/** What {@link planFields} needs to know. */
export interface FieldPlanOptions {
  readonly schema: Schema;
  /** Names in the order asked for; `undefined`: every field that fits into batches, but for texts. */
  readonly names: readonly string[] | undefined;
  readonly transforms: readonly Transform[];
  /** Order of the axes of images; default `nhwc`. */
  readonly layout?: OutputLayout;
  readonly statistics: Statistics | undefined;
  /** Bytes of the longest value of each text field that is asked for. */
  readonly textBytes: ReadonlyMap<string, number>;
}

/** `[height, width]` and channels of the images of a field, or `undefined` if it holds none. */
export function imageSourceOf(field: Field): ImageSource | undefined {
  switch (field.kind) {
    case "tensor": {
      const [height, width, channels] = field.shape;
      if (field.dtype !== "uint8" || field.shape.length !== 3 || (channels !== 1 && channels !== 3)) return undefined;
      return { size: [height as number, width as number], channels };
    }
    case "bytes":
      return field.encoding === "none" ? undefined : { size: undefined, channels: 3 };
    case "ragged":
      return field.dtype === "uint8" && field.rank === 3 ? { size: undefined, channels: 3 } : undefined;
    case "string":
      return undefined;
  }
}

/** The field whose images are transformed: `image`, or else the first that holds images; ragged ones come last. */
export function imageFieldOf(schema: Schema): Field | undefined {
  const images = schema.fields.filter((field) => imageSourceOf(field) !== undefined);
  const [first] = images;
  return images.find(({ name }) => name === "image") ?? images.find(({ kind }) => kind !== "ragged") ?? first;
}

/**
 * Decides which fields batches have, and what each of them looks like there.
 * @throws {@link OptionError} if a name is unknown or the transforms do not fit; {@link UnsupportedError} for a field
 * whose values differ in size.
 */
export function planFields(options: FieldPlanOptions): FieldPlan[] {
  const { schema, names } = options;
  const image = imageFieldOf(schema);
  const fields =
    names === undefined ? schema.fields.filter((field) => fits(field, image, options)) : pick(schema, names);
  const plans = fields.map((field) => planField(field, image, options));
  const isAsked = options.transforms.length > 0 || options.layout === "nchw";
  if (isAsked && !fields.some((field) => field === image)) {
    throw new OptionError({
      option: options.transforms.length > 0 ? "transforms" : "layout",
      problem: "there are no images to transform",
      expected:
        "a field of uint8 [height, width, 1 or 3], or of images that are encoded or ragged uint8, that is loaded",
      found: schema.fields.map((field) => field.name).join(", "),
    });
  }
  return plans;
}

/** True if a batch can hold the field without being asked for it by name. */
function fits(field: Field, image: Field | undefined, { transforms }: FieldPlanOptions): boolean {
  return field.kind === "tensor" || (field === image && (field.kind === "bytes" || transforms.length > 0));
}

function pick(schema: Schema, names: readonly string[]): Field[] {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new OptionError({ option: "fields", problem: `names ${twice} twice` });
  return names.map((name) => {
    const field = schema.fields.find((candidate) => candidate.name === name);
    if (field !== undefined) return field;
    throw new OptionError({
      option: "fields",
      problem: "the data set has no such field",
      expected: schema.fields.map((f) => f.name).join(", "),
      found: name,
    });
  });
}

function planField(field: Field, image: Field | undefined, options: FieldPlanOptions): FieldPlan {
  const { transforms, layout = "nhwc" } = options;
  const source = field === image ? imageSourceOf(field) : undefined;
  if (source !== undefined && (transforms.length > 0 || layout === "nchw" || field.kind !== "tensor")) {
    const plan = planTransforms(transforms, source, statisticsOf(field, options.statistics), layout);
    const { height, width, channels } = plan;
    const shape = layout === "nchw" ? [channels, height, width] : [height, width, channels];
    const cellBytes = elementsOf(shape) * dtypeBytes(plan.dtype);
    return { field, route: "image", dtype: plan.dtype, shape, cellBytes, image: plan };
  }
  if (field.kind === "tensor") {
    const { dtype, shape } = field;
    return { field, route: "stored", dtype, shape, cellBytes: tensorBytes(field), image: undefined };
  }
  if (field.kind === "string") {
    const cellBytes = Math.max(1, options.textBytes.get(field.name) ?? 0);
    return { field, route: "text", dtype: "uint8", shape: [cellBytes], cellBytes, image: undefined };
  }
  throw new UnsupportedError({
    field: field.name,
    problem: `a batch cannot hold the field, as its ${field.kind === "bytes" ? "bytes" : "arrays"} differ in size`,
    expected: "tensors of one shape, one field of images, texts",
    fix: "leave it out of the option fields",
  });
}

function statisticsOf(field: Field, statistics: Statistics | undefined): Statistics | undefined {
  return statistics?.field === field.name ? statistics : undefined;
}
