import { reportJsonSchema } from "@millrace/train";
import { describe, expect, it } from "vitest";
import { schemaPage } from "./schema-table.js";

interface Kind {
  readonly required: readonly string[];
  readonly properties: Readonly<Record<string, { readonly const?: unknown }>>;
  readonly additionalProperties?: unknown;
}

// Both files are written anew by `vitest run -u`.
describe("reportJsonSchema", () => {
  it("is what the docs have as a file", async () => {
    await expect(`${JSON.stringify(reportJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(
      "../../../../docs/profile-report.schema.json",
    );
  });

  it("has every field in the table of the docs", async () => {
    await expect(schemaPage(reportJsonSchema())).toMatchFileSnapshot("../../../../docs/profile-json.md");
  });

  it("describes both kinds and lets fields of newer versions pass", () => {
    const { oneOf } = reportJsonSchema() as { readonly oneOf: readonly Kind[] };
    expect(oneOf.map(({ properties }) => properties["kind"]?.const)).toEqual(["profile", "train"]);
    for (const { additionalProperties, required } of oneOf) {
      expect(additionalProperties).toBeUndefined();
      expect(required).toContain("verdict");
    }
    expect(oneOf[0]?.required).not.toContain("phases");
  });
});
