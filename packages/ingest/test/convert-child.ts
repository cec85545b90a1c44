import type { ConvertOptions } from "@millrace/ingest";
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** Converts in a process of its own by the options of the first argument; a line of JSON tells what happens. */
const PROGRAM = `
import { convert } from "@millrace/ingest";
const { options, at, action } = JSON.parse(process.argv[1]);
const say = (event) => process.stdout.write(JSON.stringify(event) + "\\n");
const controller = new AbortController();
let isDone = action === undefined;
const onProgress = (progress) => {
  say({ progress });
  if (isDone || progress.samples + progress.rejected < at) return;
  isDone = true;
  if (action === "abort") controller.abort(new Error("aborted"));
  else process.kill(process.pid, action);
};
try {
  const report = await convert({ ...options, signal: controller.signal, onProgress });
  say({ report });
} catch (error) {
  say({ error: error.message });
  process.exitCode = error.exitCode ?? 1;
}
`;

/** One line of the child. */
export interface ChildEvent {
  readonly progress?: { readonly samples: number; readonly rejected: number; readonly total: number };
  readonly report?: { readonly resumedShards: number };
  readonly error?: string;
}

/** How a child ended. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly events: readonly ChildEvent[];
}

/** What a child does to itself once so many samples are done. */
export interface Fate {
  readonly at: number;
  readonly action: "abort" | "SIGKILL" | "SIGSTOP";
}

/** Starts a conversion in a process of its own. */
export function convertInChild(
  options: ConvertOptions,
  fate?: Fate,
  env: NodeJS.ProcessEnv = {},
): { readonly child: ChildProcess; readonly end: Promise<ChildEnd>; readonly stopped: Promise<void> } {
  const child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM, JSON.stringify({ options, ...fate })], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout });
  const events: ChildEvent[] = [];
  const stopped = new Promise<void>((resolve) => {
    lines.on("line", (line) => {
      const event = JSON.parse(line) as ChildEvent;
      events.push(event);
      if (fate?.action === "SIGSTOP" && (event.progress?.samples ?? 0) >= fate.at) resolve();
    });
  });
  const end = new Promise<ChildEnd>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal, events }));
  });
  return { child, end, stopped };
}
