import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { TENSORFLOW_PACKAGE } from "./tensorflow-package.js";

/** What the process that tries TensorFlow answers. */
export type ProbeAnswer =
  | { readonly usable: true; readonly version: string; readonly isGpu: boolean }
  | { readonly usable: false; readonly code?: string | undefined; readonly message: string };

const answerSchema: z.ZodType<ProbeAnswer> = z.discriminatedUnion("usable", [
  z.object({ usable: z.literal(true), version: z.string(), isGpu: z.boolean() }),
  z.object({ usable: z.literal(false), code: z.string().optional(), message: z.string() }),
]);

/** Whether TensorFlow works here, by {@link probeTensorflow}; if not, why, in one sentence. */
export type TensorflowProbe =
  | { readonly usable: true; readonly version: string; readonly isGpu: boolean }
  | { readonly usable: false; readonly reason: string };

const PROBE_TIMEOUT_MS = 60_000;

/**
 * Loads TensorFlow in a child process and computes with it there: a native library that does not fit the machine can
 * end the process that loads it, and prints what it likes. Never throws.
 * @param timeoutMs - Time that the child process has.
 */
export async function probeTensorflow(timeoutMs: number = PROBE_TIMEOUT_MS): Promise<TensorflowProbe> {
  try {
    import.meta.resolve(TENSORFLOW_PACKAGE);
  } catch (error) {
    return { usable: false, reason: explain(error as NodeJS.ErrnoException) };
  }
  const program = fileURLToPath(new URL("tensorflow-probe-process.js", import.meta.url));
  const child = fork(program, [], { execArgv: [], stdio: ["ignore", "ignore", "ignore", "ipc"], timeout: timeoutMs });
  return new Promise((resolve) => {
    let answer: ProbeAnswer | undefined;
    child.on("message", (message) => (answer = answerSchema.safeParse(message).data));
    child.on("error", (error) =>
      resolve({ usable: false, reason: `the process to try it did not start: ${error.message}` }),
    );
    child.on("exit", (code, signal) => {
      if (answer?.usable === true) resolve(answer);
      else if (answer !== undefined) resolve({ usable: false, reason: explain(answer) });
      else resolve({ usable: false, reason: explainEnd(code, signal, timeoutMs) });
    });
  });
}

/** Says in one sentence why the package does not load. It fails in different shapes with different installers. */
export function explain(error: { readonly code?: string | undefined; readonly message: string }): string {
  const { code, message } = error;
  const line = message.split("\n", 1)[0]!.trim();
  if ((code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") && message.includes(TENSORFLOW_PACKAGE))
    return `the package ${TENSORFLOW_PACKAGE} is not installed`;
  if (message.includes("native addon module")) return `${TENSORFLOW_PACKAGE} is installed without its native addon`;
  if (code === "ERR_DLOPEN_FAILED") return `the native addon of ${TENSORFLOW_PACKAGE} does not load: ${line}`;
  return `${TENSORFLOW_PACKAGE} does not work here: ${line}`;
}

function explainEnd(code: number | null, signal: string | null, timeoutMs: number): string {
  if (signal === "SIGTERM") return `${TENSORFLOW_PACKAGE} did not answer within ${timeoutMs / 1000} s`;
  const end = signal === null ? `with exit code ${code}` : `by ${signal}`;
  return `loading ${TENSORFLOW_PACKAGE} ended the process that tried it ${end}`;
}
