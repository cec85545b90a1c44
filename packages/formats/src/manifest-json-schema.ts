import { z } from "zod";
import { manifestSchema } from "./manifest.js";

/**
 * The JSON Schema (draft 2020-12) of `dataset.json`, for programs in other languages; the package ships it as
 * `@millrace/formats/dataset.schema.json`. It says what a manifest looks like; that its parts agree with each other and
 * with the fingerprint, only {@link parseManifest} checks.
 */
export function manifestJsonSchema(): Readonly<Record<string, unknown>> {
  return {
    ...z.toJSONSchema(manifestSchema, { target: "draft-2020-12" }),
    title: "dataset.json of millrace",
    description: "The manifest of a dataset: written last, it is the commit of a conversion.",
  };
}
