import { convert, type ConvertOptions } from "@millrace/ingest";
import { tempDir } from "@millrace/testkit";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { convertInChild } from "./convert-child.js";
import { writeClasses } from "./image-files.js";
import { convertUnlessFinished, createKillCase, surviveKill, surviveKills } from "./kill-points.js";
import { diff } from "./tree.js";

/** Of the calls, every so many are killed at in earnest. */
const STRIDE = 8;

it.each([
  ["hdf5", "into a new folder", false],
  ["arrow", "into a new folder", false],
  ["arrow", "in place of a dataset", true],
] as const)(
  "a conversion to %s %s, killed at any of its calls that change files, ends the same",
  async (format, _, overwrite) => {
    const killCase = await createKillCase(format, overwrite);
    expect(killCase.calls).toBeGreaterThan(30);
    await surviveKills(killCase);
    for (let killAt = STRIDE / 2; killAt <= killCase.calls; killAt += STRIDE) {
      try {
        await surviveKill(killCase, killAt);
      } catch (cause) {
        throw new Error(`killed at call ${killAt} of ${killCase.calls}`, { cause });
      }
    }
  },
);

it.each(["hdf5", "arrow"] as const)(
  "a conversion to %s, killed again and again by chance, ends the same",
  async (format) => {
    const source = join(tempDir(), "photos");
    await writeClasses(source, ["cat", "dog", "eel"], 100);
    const options: ConvertOptions = {
      source,
      out: join(tempDir(), "shards"),
      format,
      size: 32,
      samplesPerShard: 10,
      numWorkers: 2,
    };
    const undisturbed = join(tempDir(), "shards");
    await convert({ ...options, out: undisturbed });
    for (let kill = 0; kill < 12; kill++) {
      const { child, end, stopped } = convertInChild(options, { at: 24 * kill + 2, action: "SIGSTOP" });
      await Promise.race([stopped, end]);
      child.kill("SIGCONT");
      await sleep(kill * 3);
      child.kill("SIGKILL");
      await end;
    }
    await convertUnlessFinished(options);
    expect(diff(undisturbed, options.out)).toBe("");
  },
);
