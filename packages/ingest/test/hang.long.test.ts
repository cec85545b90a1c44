import { tempDir } from "@millrace/testkit";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { convert, type ConvertOptions } from "@millrace/ingest";
import { writeClasses } from "./image-files.js";
import { diff } from "./tree.js";

/** After two shards every thread of Node that reads files begins to wait for ever, for the other end of a pipe. */
const PROGRAM = `
import { convert } from "@millrace/ingest";
import { open } from "node:fs";
const { options, pipe } = JSON.parse(process.argv[1]);
const controller = new AbortController();
let hangs = false;
const onProgress = ({ shards }) => {
  if (hangs || shards < 2) return;
  hangs = true;
  for (let thread = 0; thread < 4; thread++) open(pipe, "r", () => undefined);
  setTimeout(() => controller.abort(new Error("aborted")), 500);
};
const said = await convert({ ...options, onProgress, signal: controller.signal }).then(() => "done", (error) => error.message);
process.stdout.write(said + "\\n");
`;

it.skipIf(process.platform === "win32").each([0, 2])(
  "an abort ends a conversion with %i workers whose reads hang, and the same call goes on in a new process",
  async (numWorkers) => {
    const folder = tempDir();
    const source = join(folder, "photos");
    await writeClasses(source, ["cat", "dog"], 20);
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const options: ConvertOptions = {
      source,
      out: join(folder, "shards"),
      format: "arrow",
      size: 8,
      samplesPerShard: 5,
    };
    const child = spawn(
      process.execPath,
      ["--input-type=module", "-e", PROGRAM, JSON.stringify({ options: { ...options, numWorkers }, pipe })],
      {
        cwd: fileURLToPath(new URL("..", import.meta.url)),
        env: { ...process.env, UV_THREADPOOL_SIZE: "4" },
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    onTestFinished(() => void child.kill("SIGKILL"));
    const [said] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    expect(said).toBe("aborted");
    child.kill("SIGKILL");
    await once(child, "exit");
    const undisturbed = join(folder, "undisturbed");
    await convert({ ...options, out: undisturbed, numWorkers: 0 });
    expect((await convert({ ...options, numWorkers: 0 })).resumedShards).toBeGreaterThan(0);
    expect(diff(undisturbed, options.out)).toBe("");
  },
);
