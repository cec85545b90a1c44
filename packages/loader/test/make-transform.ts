import { userTransform, type UserTransform } from "@millrace/loader";
import { tempDir } from "@millrace/testkit";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** A user's transform of that body, with `image` and `context`, in a module that is gone after the test. */
export function transformOf(body: string, options?: unknown): UserTransform {
  const path = join(tempDir(), "transform.mjs");
  writeFileSync(path, `export function transform(image, context) { ${body} }\n`);
  return userTransform({ module: pathToFileURL(path), options });
}
