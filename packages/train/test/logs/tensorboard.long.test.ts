import { openOracle, tempDir } from "@millrace/testkit";
import { createRunLog, readCheckpoint, RUN_LOGS, type StepsProgress } from "@millrace/train";
import { expect, it } from "vitest";
import { listener, useTraining } from "../training/use-training.js";

const tensorflow = openOracle("tensorflow");
const { run, stripes } = useTraining();

/** What TensorBoard's own reader finds: scalars by tag, and the settings of the session. */
const READ = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
scalars = {tag: [[e.step, e.value, e.wall_time] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
data = plugin_data_pb2.HParamsPluginData.FromString(content)
hparams = {name: [v.WhichOneof("kind"), getattr(v, v.WhichOneof("kind"))] for name, v in data.session_start_info.hparams.items()}
print(json.dumps({"scalars": scalars, "hparams": hparams}))
`;

interface Found {
  readonly scalars: Readonly<Record<string, readonly (readonly [step: number, value: number, wallTime: number])[]>>;
  readonly hparams: Readonly<Record<string, readonly [kind: string, value: unknown]>>;
}

it.skipIf(tensorflow.skip)(
  "TensorBoard reads what a run told before and after it was resumed, and its settings",
  async () => {
    const dir = tempDir();
    const settings = { learningRate: 0.01, optimizer: "adam", augment: true };
    const observers = () => RUN_LOGS.map((name) => createRunLog(name, { dir, settings }));
    const [first, second] = [listener(), listener()];
    // Its 7 steps leave a checkpoint of the fourth, so three of them are done again.
    const options = { fenceEvery: 2, checkpoint: { dir, everySteps: 4 } };
    await run({ ...options, epochs: 1, observers: observers(), onProgress: first.listen });
    const resume = await readCheckpoint(dir);
    const loader = await stripes({ state: resume.loaderState ?? undefined });
    const validation = await stripes({ split: "val" });
    const rest = { epochs: 2, resume, loader, validation, observers: observers(), onProgress: second.listen };
    await run({ ...options, ...rest });

    const { scalars, hparams } = JSON.parse(tensorflow.run(READ, dir)) as Found;
    const told = [...first.told.filter(({ step }) => step <= 4), ...second.told];
    const steps = told.filter((progress): progress is StepsProgress => progress.kind === "steps");
    for (const [tag, name] of [
      ["train/loss", "loss"],
      ["train/learningRate", "learningRate"],
    ] as const) {
      const expected = steps.map((progress) => [progress.step, Math.fround(progress[name])]);
      expect(scalars[tag]?.map(([step, value]) => [step, value])).toEqual(expected);
    }
    expect(Object.keys(scalars).toSorted()).toMatchInlineSnapshot(`
    [
      "epoch/accuracy",
      "epoch/loss",
      "speed/samplesPerSec",
      "time/computeFraction",
      "time/copyFraction",
      "time/fetchStallFraction",
      "time/otherFraction",
      "time/prepStallFraction",
      "time/stallFraction",
      "train/accuracy",
      "train/learningRate",
      "train/loss",
      "validation/accuracy",
      "validation/loss",
    ]
  `);
    const parts = ["stall", "copy", "compute", "other"].map((part) => scalars[`time/${part}Fraction`] ?? []);
    for (const [at] of (parts[0] ?? []).entries())
      expect(parts.reduce((sum, values) => sum + (values[at]?.[1] ?? 0), 0)).toBeCloseTo(1, 5);
    expect(hparams).toEqual({
      learningRate: ["number_value", 0.01],
      optimizer: ["string_value", "adam"],
      augment: ["bool_value", true],
    });
  },
);
