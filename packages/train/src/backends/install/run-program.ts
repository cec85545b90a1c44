import { spawn } from "node:child_process";

/** How a program ended. */
export interface Ended {
  /** `undefined` if it could not be started. */
  readonly code: number | null | undefined;
  /** The end of what it wrote to stderr; why it did not start. */
  readonly stderr: string;
}

/** What {@link runProgram} may be told. */
export interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
}

const STDERR_LENGTH = 16_384;

/**
 * Runs a program to its end, without a shell, and keeps the end of its stderr. Does not throw because the program is
 * not there or fails.
 * @throws The signal's reason.
 */
export async function runProgram(command: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  const { env, signal } = options;
  signal?.throwIfAborted();
  const child = spawn(command, args, { env, signal, stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr = (stderr + text).slice(-STDERR_LENGTH)));
  const code = await new Promise<number | null | undefined>((resolve) => {
    child.on("error", (error) => {
      stderr = error.message;
      resolve(undefined);
    });
    child.on("close", resolve);
  });
  signal?.throwIfAborted();
  return { code, stderr };
}
