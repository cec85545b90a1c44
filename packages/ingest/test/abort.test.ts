import { convert, type ConvertOptions } from "@millrace/ingest";
import { tempDir } from "@millrace/testkit";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { convertInChild } from "./convert-child.js";
import { writeClasses } from "./image-files.js";
import { diff, filesIn } from "./tree.js";

async function options(): Promise<ConvertOptions> {
  const source = join(tempDir(), "photos");
  await writeClasses(source, ["cat", "dog"], 20);
  return { source, out: join(tempDir(), "shards"), format: "arrow", size: 8, samplesPerShard: 5 };
}

describe.each([0, 2])("an abort of a conversion with %i workers", (numWorkers) => {
  it("throws the signal's reason, leaves nothing half-written, and the same call goes on", async () => {
    const job = { ...(await options()), numWorkers };
    const undisturbed = join(tempDir(), "shards");
    await convert({ ...job, out: undisturbed, numWorkers: 0 });
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    const promise = convert({
      ...job,
      signal: controller.signal,
      onProgress: ({ shards }) => {
        if (shards >= 2) controller.abort(reason);
      },
    });
    await expect(promise).rejects.toBe(reason);
    const left = filesIn(job.out);
    expect(left).not.toContain("dataset.json");
    expect(left.filter((name) => name.endsWith(".tmp") || name.includes(".millrace-lock"))).toEqual([]);
    const { resumedShards } = await convert(job);
    expect(resumedShards).toBeGreaterThanOrEqual(2);
    expect(diff(undisturbed, job.out)).toBe("");
  });
});

it("a signal that is aborted beforehand stops before anything is made", async () => {
  const job = await options();
  await expect(convert({ ...job, signal: AbortSignal.abort("no") })).rejects.toBe("no");
  expect(existsSync(job.out)).toBe(false);
});

it("an abort leaves no thread: the process ends by itself", async () => {
  const job = await options();
  const { end } = convertInChild({ ...job, numWorkers: 2 }, { at: 10, action: "abort" });
  expect(await end).toMatchObject({ code: 1, events: expect.arrayContaining([{ error: "aborted" }]) as unknown });
});
