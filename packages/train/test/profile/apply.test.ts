import { profileAndApply, type ApplyOptions, type LoaderSetting, type ProfileReport } from "@millrace/train";
import { describe, expect, it } from "vitest";
import { HandClock } from "../hand-clock.js";
import { millraceError } from "../rejection.js";
import { FakeLoader, UNMEASURED, type FakeCosts } from "./fake-loader.js";

interface Applied {
  readonly report: ProfileReport;
  readonly settings: readonly LoaderSetting[];
  readonly loaders: readonly FakeLoader[];
}

/** Profiles a fake loader that starts with one worker, and applies what is predicted to help. */
async function apply(
  costs: Partial<FakeCosts>,
  stepMs: number,
  options: Partial<ApplyOptions<unknown>> = {},
  costsAfter: Partial<FakeCosts> = {},
): Promise<Applied> {
  const clock = new HandClock();
  const settings: LoaderSetting[] = [];
  const loaders: FakeLoader[] = [];
  const open = (setting: LoaderSetting): Promise<FakeLoader> => {
    const first = { numWorkers: 1, coldMs: 0.02, warmMs: 0.01, prepMs: 4, ...costs };
    const loader = new FakeLoader(clock, settings.length === 0 ? first : { ...first, ...costsAfter }, setting);
    settings.push(setting);
    loaders.push(loader);
    return Promise.resolve(loader);
  };
  const step = (): void => clock.pass(stepMs);
  const common = { open, step, fence: () => undefined, steps: 40, warmupSteps: 5, clock, phases: { ...UNMEASURED } };
  return { report: await profileAndApply<unknown>({ ...common, ...options }), settings, loaders };
}

describe("profileAndApply", () => {
  it("makes the change that the model predicts to help, measures it, and says how far the prediction was off", async () => {
    const { report, settings } = await apply({}, 25);
    expect(settings[0]).toEqual({});
    expect(settings[1]).toHaveProperty("numWorkers");
    const [first] = report.applied ?? [];
    expect(first).toMatchObject({ before: "input-bound", after: "compute-bound" });
    expect(first?.beforePerSec).toBeCloseTo(1000 / 4.01, 3);
    expect(first?.measuredPerSec).toBeCloseTo(400, 3);
    expect(Math.abs(first?.errorFraction ?? 1)).toBeLessThan(0.01);
    expect(report.verdict.kind).toBe("compute-bound");
  });

  it("changes nothing where no setting of the loader helps, and says so", async () => {
    const { report, settings } = await apply({ numWorkers: 4, prepMs: 1 }, 20);
    expect(settings).toEqual([{}]);
    expect(report.applied).toEqual([]);
    expect(report.warnings.at(-1)).toMatchObject({ code: "nothing-applied" });
  });

  it("changes nothing without a model, and says where to look", async () => {
    const { report } = await apply({ failure: new Error("no memory") }, 20);
    expect(report.warnings.at(-1)?.text).toContain("there is no model of the run: see the notes");
  });

  it("stops when a change made it worse, and says to keep what was before", async () => {
    const { report, settings } = await apply({}, 25, {}, { prepMs: 100 });
    expect(settings).toHaveLength(2);
    expect(report.warnings.at(-1)).toMatchObject({ code: "applied-worse" });
    expect(report.applied?.[0]?.errorFraction).toBeGreaterThan(0.5);
  });

  it("makes no more changes than it may, and closes every loader", async () => {
    const { report, loaders } = await apply({}, 25, { rounds: 1 }, { prepMs: 4 });
    expect(report.applied).toHaveLength(1);
    for (const loader of loaders) expect(loader.closed).toBe(loader.opened.length + 1);
    const error = await millraceError(apply({}, 20, { rounds: 0 }));
    expect([error.code, error.detail.option]).toEqual(["OPTION", "rounds"]);
  });

  it("tells of a change before it is made", async () => {
    const told: string[] = [];
    await apply({}, 25, { onApply: ({ name }) => told.push(name) });
    expect(told[0]).toMatch(/workers/u);
  });
});
