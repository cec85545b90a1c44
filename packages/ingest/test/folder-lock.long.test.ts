import { convert } from "@millrace/ingest";
import { tempDir } from "@millrace/testkit";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeClasses, writeFile } from "./image-files.js";

describe("a lock of another machine or container", () => {
  const owner = { token: "0".repeat(32), pid: 1, startTime: "1", machine: "elsewhere", host: "elsewhere" };

  it("is heeded while its owner gives signs of life, and passed over when it has been silent for a while", async () => {
    const source = join(tempDir(), "photos");
    await writeClasses(source, ["cat"], 3);
    const out = join(tempDir(), "shards");
    writeFile(join(out, ".millrace-lock/owner.json"), JSON.stringify(owner));
    const beat = setInterval(() => writeFileSync(join(out, ".millrace-lock/beat"), "1"), 1000);
    const options = { source, out, format: "arrow", numWorkers: 0 } as const;
    await expect(convert(options)).rejects.toThrow(/another process.*process 1 on elsewhere/u);
    clearInterval(beat);
    expect((await convert(options)).samples).toBe(3);
  });

  it("that says nothing readable is passed over after the same while", async () => {
    const source = join(tempDir(), "photos");
    await writeClasses(source, ["cat"], 3);
    const out = join(tempDir(), "shards");
    writeFile(join(out, ".millrace-lock/owner.json"), "");
    expect((await convert({ source, out, format: "arrow", numWorkers: 0 })).samples).toBe(3);
  });
});
