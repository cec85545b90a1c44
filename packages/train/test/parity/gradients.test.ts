import { beforeAll, describe, expect, it } from "vitest";
import { tensorflowSkip } from "../backends/on-backend.js";
import { cases } from "./cases.js";
import { compute, type Outcome } from "./compute.js";
import { problemOf } from "./comparison.js";
import { readGradients } from "./fixture.js";
import { FAILURES } from "./failures.js";

const expected = readGradients();

describe.each([
  ["wasm", undefined],
  ["tensorflow", tensorflowSkip],
] as const)("on %s the result is that of cpu:", (name, skip) => {
  let outcomes: ReadonlyMap<string, Outcome>;
  beforeAll(async () => {
    if (skip === undefined) outcomes = await compute(name);
  });

  it.skipIf(skip).each([...cases.keys()])("%s", (title) => {
    const problem = problemOf(outcomes.get(title), expected.get(title));
    expect(problem ?? "no problem").toContain(FAILURES.get(title)?.[name] ?? "no problem");
  });
});
