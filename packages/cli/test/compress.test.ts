import { createDataset, temporaryPath } from "@millrace/formats";
import { parseCompressReport, readPackedModel } from "@millrace/train/compress";
import { tempDir } from "@millrace/testkit";
import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { millrace, millraceWatched, type Outcome } from "./captured-io.js";
import { makeImages } from "./interrupted-runs.js";

const BIN = fileURLToPath(new URL("../dist/bin.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "millrace-compress-"));
const model = join(folder, "run", "model");
let shards: string;

beforeAll(async () => {
  shards = await makeImages(join(folder, "shards"));
  const flags = ["--epochs", "4", "--batch-size", "8", "--backend", "wasm", "--num-workers", "0", "-q"];
  await millrace("train", shards, "--out", join(folder, "run"), ...flags);
});
afterAll(() => rmSync(folder, { recursive: true }));

const SEARCH = ["--filters", "1,0.5", "--sparsity", "0.5", "--bits", "8"];

function argsOf(out: string, ...more: string[]): string[] {
  return argsWith({ out }, ...SEARCH, ...more);
}

interface Given {
  readonly out?: string;
  readonly of?: string;
  readonly dataset?: string;
}

function argsWith({ out, of = model, dataset = shards }: Given, ...more: string[]): string[] {
  const common = [
    "--backend",
    "wasm",
    "--num-workers",
    "0",
    "--batch-size",
    "8",
    "--no-link",
    "--speed-seconds",
    "0.05",
  ];
  return ["compress", of, "--dataset", dataset, ...(out === undefined ? [] : ["--out", out]), ...common, ...more];
}

/** What lies nowhere yet. */
function fresh(): string {
  return join(tempDir(), "small");
}

/** One message, the way out in it, the exit code, and nothing written. */
function expectRefusal({ code, stdout, stderr }: Outcome, exitCode: number, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect([code, stdout]).toEqual([exitCode, ""]);
}

describe("millrace compress", () => {
  it("writes the packed model, the same for TensorFlow.js, and the reports, and says what came of it", async () => {
    const before = readFileSync(join(model, "model.json"), "utf8");
    const out = join(tempDir(), "deep", "small");
    const { code, stdout, stderr } = await millrace(...argsOf(out, "--max-accuracy-drop", "0.5", "--link"));
    expect([code, readdirSync(out).toSorted()]).toEqual([0, ["model", "model.packed", "report.html", "report.json"]]);
    expect(stdout).toMatch(/x smaller: .* by filters 0\.5, sparsity 0\.5, 8 bits\n/u);
    expect(stdout).toMatch(/\nThe input\n +(?:With|No limit)/u);
    expect(stdout).toContain(`packed: ${join(out, "model.packed")}\n`);
    expect(stderr).toMatch(
      /compress: before: accuracy .*\ncompress: \d of 2: filters 0\.5, sparsity 0\.5, 8 bits: accuracy/u,
    );
    const report = parseCompressReport(readFileSync(join(out, "report.json"), "utf8"));
    expect(report.link?.measuredPerSec).toBeGreaterThan(0);
    expect((await readPackedModel(join(out, "model.packed"))).weights.length).toBeGreaterThan(0);
    expect(readFileSync(join(out, "model.packed"))).toHaveLength(report.after?.bytes.packed ?? 0);
    expect(readFileSync(join(model, "model.json"), "utf8")).toBe(before);
    const again = await millrace(...argsOf(out, "--max-accuracy-drop", "0.5"));
    expectRefusal(again, 2, /option out: is not empty; found model, model\.packed, report\.html; name a new folder/u);
  });

  it("--json prints the report, and the model goes beside its folder unless --out says otherwise", async () => {
    const args = argsWith({}, ...SEARCH, "--max-accuracy-drop", "0.9", "--json");
    const { code, stdout, stderr } = await millrace(...args);
    expect([code, stderr]).toEqual([0, ""]);
    expect(parseCompressReport(stdout).chosen).toBeDefined();
    expect(existsSync(join(folder, "run", "model-compressed", "model.packed"))).toBe(true);
  });

  it("a loss that no setting keeps to is said with the nearest settings, exit code 2, and nothing is written", async () => {
    const out = fresh();
    const harsh = ["--max-accuracy-drop", "0.01", "--sparsity", "0.999", "--filters", "1", "--learning-rate", "1e-9"];
    const { code, stdout, stderr } = await millrace(...argsWith({ out }, ...harsh));
    expect(code).toBe(2);
    expect(stdout).toMatch(/^not met: .*nearest: filters 1, sparsity 0\.999, 32 bits loses \d+\.\d\d\n/u);
    expect(stderr).toMatch(
      /option maxAccuracyDrop: no setting stays within it, so nothing is written; expected at most 1\.00 points/u,
    );
    expect(existsSync(out)).toBe(false);
  });

  it("refuses a folder that is the model's, or in it", async () => {
    for (const out of [model, join(model, "small"), join(model, "..", "model")])
      expectRefusal(
        await millrace(...argsOf(out, "--max-accuracy-drop", "0.1")),
        2,
        /option out: is the folder of the model/u,
      );
    const file = join(tempDir(), "file");
    writeFileSync(file, "x");
    expectRefusal(await millrace(...argsOf(file, "--max-accuracy-drop", "0.1")), 2, /is a file, not a folder/u);
  });

  it("fills an empty folder in its place, and removes what a killed run left there", async () => {
    const folders = tempDir();
    const [real, link] = [join(folders, "real"), join(folders, "link")];
    mkdirSync(real);
    symlinkSync(real, link);
    const inode = statSync(real).ino;
    for (const left of [temporaryPath(join(real, "compressed")), temporaryPath(link)])
      mkdirSync(join(left, "model"), { recursive: true });
    const { code, stderr } = await millrace(...argsOf(link, "--filters", "1", "--max-accuracy-drop", "0.5", "-q"));
    expect([code, stderr]).toEqual([0, ""]);
    expect(readdirSync(real).toSorted()).toEqual(["model", "model.packed", "report.html", "report.json"]);
    expect([statSync(real).ino, readdirSync(folders).toSorted()]).toEqual([inode, ["link", "real"]]);
  });

  it("says before the search that a folder cannot be written to", async () => {
    const link = join(tempDir(), "link");
    symlinkSync(join(link, "..", "nothing"), link);
    for (const [out, code, message] of [
      [link, 2, /option out: is a link to nothing; name another/u],
      ["/proc/x/y", 3, /\/proc\/x\/y: cannot write to the folder: no such file or folder/u],
    ] as const)
      expectRefusal(await millrace(...argsOf(out, "--max-accuracy-drop", "0.1")), code, message);
  });

  it("keeps a result that it can no longer write where it was to go, and says where", async () => {
    const out = fresh();
    const block = (): void => writeFileSync(out, "in the way");
    const { code, stdout, stderr } = await millraceWatched(
      { stderr: block },
      ...argsOf(out, "--max-accuracy-drop", "0.5"),
    );
    const kept = /: is a file, not a folder; the result is in (\S+): move it from there\n$/u.exec(stderr)?.[1] ?? "";
    onTestFinished(() => rmSync(kept, { recursive: true }));
    expect([code, readFileSync(out, "utf8")]).toEqual([3, "in the way"]);
    expect(stdout).toContain(`packed: ${join(kept, "model.packed")}\n`);
    expect(readdirSync(kept).toSorted()).toEqual(["model", "model.packed", "report.html", "report.json"]);
  });

  it("refuses images of another shape, other classes and missing splits, naming both sides", async () => {
    for (const [shape, classes, split, message] of [
      [[8, 8, 1], 3, "val", /no images for this model; expected \[16, 16, 1\], found \[8, 8, 1\]; .*--size 16/u],
      [[16, 16, 3], 3, "val", /expected \[16, 16, 1\], found \[16, 16, 3\]; name the dataset/u],
      [[16, 16, 1], 5, "val", /other classes than this model; expected 3 classes.*found 5/u],
      [[16, 16, 1], 3, "test", /has no split val to measure accuracy on; found train, test; .*--val-fraction/u],
    ] as const) {
      const other = await makeOther(shape, classes, split);
      const args = argsWith({ out: fresh(), dataset: other }, ...SEARCH, "--max-accuracy-drop", "0.1");
      expectRefusal(await millrace(...args), 2, message);
    }
  });

  it("refuses a model that cannot be read, or has a layer of its own", async () => {
    const broken = join(tempDir(), "broken");
    mkdirSync(broken);
    const topology = JSON.parse(readFileSync(join(model, "model.json"), "utf8")) as unknown;
    const custom = JSON.stringify(topology).replace('"class_name":"Flatten"', '"class_name":"Swirl"');
    for (const [text, code, message] of [
      ["{", 4, /model\.json: is not JSON/u],
      ["{}", 4, /model\.json: is no layers model of TensorFlow\.js/u],
      [custom, 3, /has a layer of the class Swirl, which TensorFlow\.js does not know; .*registerClass/u],
    ] as const) {
      cpSync(model, broken, { recursive: true });
      writeFileSync(join(broken, "model.json"), text);
      const args = argsWith({ out: fresh(), of: broken }, "--max-accuracy-drop", "0.1");
      expectRefusal(await millrace(...args), code, message);
    }
    const missing = argsWith({ out: fresh(), of: "nosuch" }, "--max-accuracy-drop", "0.1");
    expectRefusal(await millrace(...missing), 3, /nosuch: cannot open the model: no such file/u);
  });

  it.each([
    [["--max-accuracy-drop", "2"], /option maxAccuracyDrop/u],
    [["--max-accuracy-drop", "0.1", "--epochs", "0"], /option epochs/u],
    [["--max-accuracy-drop", "0.1", "--ignore", "conv9"], /option ignore.*conv1.*found conv9/u],
    [[], /Missing required argument: max-accuracy-drop/u],
  ])("refuses %o", async (more, message) => {
    expectRefusal(await millrace(...argsOf(fresh(), "-q", ...more)), 2, message);
  });

  it("refuses a list that is not one of numbers", async () => {
    const args = ["compress", model, "--dataset", shards, "--max-accuracy-drop", "0.1", "--bits", "8,few", "-q"];
    expectRefusal(await millrace(...args), 2, /option bits: is no list of numbers; .*found 8,few/u);
  });

  it("stopped by Ctrl-C ends with exit code 130 and leaves nothing half-written", async () => {
    const parent = tempDir();
    const args = argsOf(join(parent, "small"), "--max-accuracy-drop", "0.5", "--epochs", "100000");
    const child = spawn(process.execPath, [BIN, ...args], { stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    let isStopped = false;
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
      // A second signal would end it at once.
      if (!isStopped && stderr.includes("compress: before")) isStopped = child.kill("SIGINT");
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect([code, readdirSync(parent)]).toEqual([130, []]);
    expect(stderr.trim().split("\n").at(-1)).toBe("millrace: stopped by SIGINT");
  });
});

async function makeOther(shape: readonly [number, number, number], classes: number, split: string): Promise<string> {
  const dir = join(tempDir(), "other");
  const writer = await createDataset(dir, {
    format: "arrow",
    classes: Array.from({ length: classes }, (_, label) => `class ${label}`),
    schema: {
      fields: [
        { name: "image", kind: "tensor", dtype: "uint8", shape: [...shape] },
        { name: "label", kind: "tensor", dtype: "int32", shape: [] },
      ],
    },
  });
  for (const name of ["train", split]) {
    const sample = new Map<string, Uint8Array | Int32Array>([
      ["image", new Uint8Array(shape[0] * shape[1] * shape[2])],
      ["label", Int32Array.of(0)],
    ]);
    await writer.write(sample, name);
  }
  await writer.finish();
  return dir;
}
