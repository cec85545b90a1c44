import { createDataset } from "@millrace/formats";
import { readCheckpoint, type Checkpoint } from "@millrace/train";
import { tempDir } from "@millrace/testkit";
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { millrace } from "./captured-io.js";

const BIN = fileURLToPath(new URL("../dist/bin.js", import.meta.url));
/** Steps of the whole run: two epochs of twelve. */
export const STEPS = 24;
/** How often the folder is looked at, in ms; a process that does not get there is killed after this many looks. */
const LOOK_MS = 5;
const MAX_LOOKS = 24_000;

/** 96 noisy images of 16 x 16 pixels in three classes, and 24 to validate on. */
export async function makeImages(dir: string = join(tempDir(), "shards")): Promise<string> {
  const writer = await createDataset(dir, {
    format: "arrow",
    classes: ["dark", "middle", "light"],
    schema: {
      fields: [
        { name: "image", kind: "tensor", dtype: "uint8", shape: [16, 16, 1] },
        { name: "label", kind: "tensor", dtype: "int32", shape: [] },
      ],
    },
  });
  for (let n = 0; n < 120; n++) {
    const image = Uint8Array.from({ length: 256 }, (_, at) => 60 * (n % 3) + ((at * 37 + n * 101) % 97));
    const sample = new Map<string, Uint8Array | Int32Array>([
      ["image", image],
      ["label", Int32Array.of(n % 3)],
    ]);
    await writer.write(sample, n < 96 ? "train" : "val");
  }
  await writer.finish();
  return dir;
}

/** All kinds of state: moments, averages, random transforms, the best epoch. */
function argsOf(shards: string, out: string, backend: string): string[] {
  const model = ["--batch-size", "8", "--epochs", "2", "--augment", "flip", "--num-workers", "1", "--seed", "3"];
  const update = ["--optimizer", "adamw", "--ema", "0.9", "--early-stop", "3", "--warmup-steps", "5"];
  return ["train", shards, "--out", out, "--backend", backend, ...model, ...update, "--checkpoint-steps", "3"];
}

/** What of a run is no time. */
async function stateOf(out: string): Promise<Omit<Checkpoint, "epochs"> & { epochs: unknown[] }> {
  const { epochs, ...state } = await readCheckpoint(join(out, `checkpoint-000000${STEPS}.safetensors`));
  return {
    ...state,
    running: null,
    epochs: epochs.map(({ loss, accuracy, validation }) => [loss, accuracy, validation?.loss]),
  };
}

/** The end of a run that nothing interrupts. */
export async function uninterrupted(shards: string, backend: string): Promise<unknown> {
  const out = join(tempDir(), "run");
  const { code, stderr } = await millrace(...argsOf(shards, out, backend), "-q");
  expect([code, stderr]).toEqual([0, ""]);
  return await stateOf(out);
}

/** When a process is sent a signal: as soon as its folder has a checkpoint of this step or a later one. */
export interface Interruption {
  readonly step: number;
  readonly signal: "SIGKILL" | "SIGINT";
  /** Comes with the first one: both wait until the process, which sleeps meanwhile, wakes up. */
  readonly second?: "SIGTERM";
}

/** A run that is interrupted once and then left alone. */
export async function interruptedOnce(
  shards: string,
  out: string,
  interruption: Interruption,
): Promise<{ code: number | null; killedBy: NodeJS.Signals | null; stderr: string }> {
  return await interruptedProcess(argsOf(shards, out, "wasm"), out, interruption);
}

/** The end of a run that is interrupted so often and resumed each time. */
export async function interrupted(
  shards: string,
  backend: string,
  interruptions: readonly Interruption[],
): Promise<unknown> {
  const out = join(tempDir(), "run");
  for (const [number, interruption] of interruptions.entries()) {
    const args = [...argsOf(shards, out, backend), ...(number === 0 ? [] : ["--resume"])];
    const { code, killedBy, stderr } = await interruptedProcess(args, out, interruption);
    if (interruption.signal === "SIGKILL") expect([killedBy, stderr]).toEqual(["SIGKILL", expect.anything()]);
    else expect([code, stderr]).toEqual([130, expect.stringMatching(/saved: .*; go on with --resume\n.*SIGINT/u)]);
  }
  const { code, stderr } = await millrace(...argsOf(shards, out, backend), "--resume", "-q");
  expect([code, stderr]).toEqual([0, ""]);
  return await stateOf(out);
}

/** Two signals that a process gets in one moment. */
function sleeping(signal: NodeJS.Signals, second: NodeJS.Signals): NodeJS.Signals[] {
  return ["SIGSTOP", signal, second, "SIGCONT"];
}

async function interruptedProcess(
  args: readonly string[],
  out: string,
  { step, signal, second }: Interruption,
): Promise<{ code: number | null; killedBy: NodeJS.Signals | null; stderr: string }> {
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  let looks = 0;
  const timer = setInterval(() => {
    const isThere =
      existsSync(out) && readdirSync(out).some((name) => Number(/^checkpoint-(\d+)/u.exec(name)?.[1]) >= step);
    if (isThere) for (const name of second === undefined ? [signal] : sleeping(signal, second)) child.kill(name);
    else if (++looks > MAX_LOOKS) child.kill("SIGABRT");
    if (isThere) clearInterval(timer);
  }, LOOK_MS);
  return await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, killedBy) => {
      clearInterval(timer);
      resolve({ code, killedBy, stderr });
    });
  });
}
