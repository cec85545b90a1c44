import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** How a child process ended. */
export interface ChildEnd {
  /** `null`: it had to be killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** No child of a test takes so long unless it hangs. */
const DEADLINE_MS = 30_000;

/** Runs an ES module given as text, which can import `@millrace/loader`, in a process of its own. */
export async function runChild(program: string, ...args: string[]): Promise<ChildEnd> {
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, "--", ...args], { cwd });
  const killer = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(killer);
  return { code, stdout, stderr };
}
