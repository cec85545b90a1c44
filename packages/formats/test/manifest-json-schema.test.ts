import { manifestJsonSchema } from "@millrace/formats";
import { expect, it } from "vitest";

it("the JSON Schema that the package ships is that of the manifest", async () => {
  // Written anew by `vitest run -u`.
  await expect(`${JSON.stringify(manifestJsonSchema(), null, 2)}\n`).toMatchFileSnapshot("../dataset.schema.json");
});

it("the JSON Schema asks for every key of the manifest and takes no other", () => {
  const { required, properties, additionalProperties } = manifestJsonSchema() as {
    required: string[];
    properties: Record<string, unknown>;
    additionalProperties: boolean;
  };
  expect(additionalProperties).toBe(false);
  expect(required.toSorted()).toEqual(Object.keys(properties).toSorted());
  expect(required).toContain("fingerprint");
});
