import { fork, type StdioOptions } from "node:child_process";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { findTensorflowPackage, tensorflowPackageName } from "./tensorflow-environment.js";

/** TensorFlow works here. */
export interface UsableTensorflow {
  readonly usable: true;
  /** Of TensorFlow's C library. */
  readonly version: string;
  /** What the device itself says. */
  readonly isGpu: boolean;
  readonly tfjsVersion: string;
  /** Threads of one operation on the CPU. */
  readonly numThreads: number;
}

/** What the process that tries TensorFlow answers. */
export type ProbeAnswer =
  | UsableTensorflow
  | { readonly usable: false; readonly code?: string | undefined; readonly message: string };

const answerSchema: z.ZodType<ProbeAnswer> = z.discriminatedUnion("usable", [
  z.object({
    usable: z.literal(true),
    version: z.string(),
    isGpu: z.boolean(),
    tfjsVersion: z.string(),
    numThreads: z.number(),
  }),
  z.object({ usable: z.literal(false), code: z.string().optional(), message: z.string() }),
]);

/** Whether TensorFlow works here, by {@link probeTensorflow}; if not, why, in one sentence. */
export type TensorflowProbe =
  | UsableTensorflow
  | {
      readonly usable: false;
      readonly reason: string;
      /** The addon itself does not load, or ends the process, though its libraries may be there. */
      readonly addonFails: boolean;
    };

const PROBE_TIMEOUT_MS = 60_000;

/** What {@link probeTensorflow} may be told. */
export interface ProbeOptions {
  /** Time that the child process has. Default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Gets what TensorFlow logs, which is much; without it TensorFlow is told to be quiet. */
  readonly onLog?: ((text: string) => void) | undefined;
}

/**
 * Loads TensorFlow in a child process and computes with it there: a native library that does not fit the machine can
 * end the process that loads it, and prints what it likes. Never throws.
 */
export async function probeTensorflow(options: ProbeOptions = {}): Promise<TensorflowProbe> {
  const { timeoutMs = PROBE_TIMEOUT_MS, onLog } = options;
  if (findTensorflowPackage() === undefined) return notUsable({ code: "MODULE_NOT_FOUND", message: "" });
  const program = fileURLToPath(new URL("tensorflow-probe-process.js", import.meta.url));
  const env = onLog === undefined ? process.env : { ...process.env, TF_CPP_MIN_LOG_LEVEL: "0" };
  const stdio: StdioOptions = ["ignore", "ignore", onLog === undefined ? "ignore" : "pipe", "ipc"];
  const child = fork(program, [], { execArgv: [], stdio, timeout: timeoutMs, env });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => onLog?.(text));
  return new Promise((resolve) => {
    let answer: ProbeAnswer | undefined;
    child.on("message", (message) => (answer = answerSchema.safeParse(message).data));
    child.on("error", (error) =>
      resolve({
        usable: false,
        reason: `the process to try it did not start: ${error.message}`,
        addonFails: false,
      }),
    );
    child.on("close", (code, signal) => {
      if (answer?.usable === true) resolve(answer);
      else if (answer !== undefined) resolve(notUsable(answer));
      else resolve({ usable: false, reason: explainEnd(code, signal, timeoutMs), addonFails: signal !== "SIGTERM" });
    });
  });
}

interface Failure {
  readonly code?: string | undefined;
  readonly message: string;
}

/** Says in one sentence why the package does not load. It fails in different shapes with different installers. */
function notUsable({ code, message }: Failure): TensorflowProbe {
  const name = tensorflowPackageName();
  const line = message.split("\n", 1)[0]!.trim();
  if (findTensorflowPackage() === undefined)
    return { usable: false, reason: `the package ${name} is not installed`, addonFails: false };
  if (message.includes("native addon module"))
    return { usable: false, reason: `${name} is installed without its native addon`, addonFails: true };
  if (code === "ERR_DLOPEN_FAILED")
    return { usable: false, reason: `the native addon of ${name} does not load: ${line}`, addonFails: true };
  return { usable: false, reason: `${name} does not work here: ${line}`, addonFails: false };
}

function explainEnd(code: number | null, signal: string | null, timeoutMs: number): string {
  const name = tensorflowPackageName();
  if (signal === "SIGTERM") return `${name} did not answer within ${timeoutMs / 1000} s`;
  const end = signal === null ? `with exit code ${code}` : `by ${signal}`;
  return `loading ${name} ended the process that tried it ${end}`;
}
