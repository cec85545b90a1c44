import * as image from "@millrace/image";
import { expect, it } from "vitest";

it("exports exactly these names", () => {
  expect(Object.keys(image).toSorted()).toMatchInlineSnapshot(`
    [
      "DECODERS",
      "DEFAULT_MAX_PIXELS",
      "IMAGE_ENCODINGS",
      "MAX_SIDE",
      "OUTPUT_DTYPES",
      "OUTPUT_LAYOUTS",
      "REJECT_REASONS",
      "cpuBudget",
      "cpuBudgetOf",
      "createDecoder",
      "createKernels",
      "createMemory",
      "createPlainKernels",
      "decodeImage",
      "imageHeader",
      "scratchBytes",
    ]
  `);
});
