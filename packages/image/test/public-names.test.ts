import * as image from "@millrace/image";
import { expect, it } from "vitest";

it("exports exactly these names", () => {
  expect(Object.keys(image).toSorted()).toMatchInlineSnapshot(`
    [
      "DECODERS",
      "DEFAULT_MAX_PIXELS",
      "IMAGE_ENCODINGS",
      "MAX_SIDE",
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
