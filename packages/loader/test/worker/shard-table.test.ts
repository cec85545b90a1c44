import { openDataset, type ShardLocation } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { spawnSync } from "node:child_process";
import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { planFields, type FieldPlan } from "../../dist/fields.js";
import { packShards } from "../../dist/worker/packed-shards.js";
import { ShardTable } from "../../dist/worker/shard-table.js";

/** A file whose values are big-endian, so that they do not lie in it as a batch holds them. */
const BIG_ENDIAN = fileURLToPath(new URL("../../../../fixtures/hdf5/big-endian.h5", import.meta.url));

const openFiles = (): number => readdirSync("/proc/self/fd").length;

/** Copies of the file as the shards of a split. */
async function makeShards(count: number): Promise<{ locations: ShardLocation[]; plans: readonly FieldPlan[] }> {
  const dataset = await openDataset(BIG_ENDIAN);
  const [location] = dataset.splits[0]?.shards ?? [];
  const dir = tempDir();
  const locations = Array.from({ length: count }, (_, n) => {
    const path = join(dir, `${n}.h5`);
    copyFileSync(BIG_ENDIAN, path);
    return { ...(location as ShardLocation), path };
  });
  const { schema } = dataset;
  dataset.close();
  const names = schema.fields.filter(({ kind }) => kind === "tensor").map(({ name }) => name);
  const plans = planFields({ schema, names, transforms: [], statistics: undefined, textBytes: new Map() });
  return { locations, plans };
}

describe("shards that the format's library reads", () => {
  it.skipIf(process.platform !== "linux")(
    "are held open up to a number, the one longest unused is closed",
    async () => {
      const { locations, plans } = await makeShards(12);
      const table = new ShardTable(packShards(locations), plans, 3);
      await table.open(0);
      const field = plans.findIndex((_, number) => table.byteLength(0, number, 0) === undefined);
      const expected = table.readValue(0, field, 0);
      const before = openFiles() - 1;
      for (const shard of [1, 0, 2, 0, 3, 0, 4, 5, 0, 6, 7, 8, 9, 10, 11]) {
        if (!table.isOpen(shard)) await table.open(shard);
        expect(table.readValue(shard, field, 0)).toEqual(expected);
        expect(openFiles() - before).toBeLessThanOrEqual(3);
      }
      expect([0, 8, 9, 10, 11].map((shard) => table.isOpen(shard))).toEqual([false, false, true, true, true]);
      table.close();
      expect(openFiles()).toBe(before);
    },
  );
});

describe("a shard that could not be opened", () => {
  it("is not tried again if it is broken", async () => {
    const { locations, plans } = await makeShards(1);
    const [location] = locations as [ShardLocation];
    const table = new ShardTable(packShards([{ ...location, path: join(tempDir(), "none.h5") }]), plans, 4);
    await table.open(0);
    expect(table.isOpen(0)).toBe(true);
    expect(() => table.readValue(0, 0, 0)).toThrow(/no such file/u);
  });

  it.skipIf(process.platform !== "linux")("because the process had too many files open is tried again", () => {
    const program = `
      import { closeSync, openSync } from "node:fs";
      import { openDataset } from "@millrace/formats";
      import { planFields } from "./dist/fields.js";
      import { packShards } from "./dist/worker/packed-shards.js";
      import { ShardTable } from "./dist/worker/shard-table.js";
      const [path] = process.argv.slice(1);
      const dataset = await openDataset(path);
      const { schema, splits } = dataset;
      const names = schema.fields.filter(({ kind }) => kind === "tensor").map(({ name }) => name);
      const plans = planFields({ schema, names, transforms: [], textBytes: new Map() });
      const [location] = splits[0].shards;
      const table = new ShardTable(packShards([location, { ...location }]), plans, 4);
      await table.open(0);
      const taken = [];
      try { for (;;) taken.push(openSync("/dev/null")); } catch (error) { console.log(error.code); }
      await table.open(1);
      console.log(table.isOpen(1));
      try { table.readValue(1, 0, 0); } catch (error) { console.log(error.message); }
      for (const fd of taken) closeSync(fd);
      await table.open(1);
      console.log(table.isOpen(1), table.readValue(1, 0, 0).length > 0);`;
    const command = [process.execPath, "--input-type=module", "-e", program, "--", BIG_ENDIAN];
    const { stdout, stderr } = spawnSync("sh", ["-c", 'ulimit -n 200 && exec "$@"', "sh", ...command], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      encoding: "utf8",
      timeout: 30_000,
    });
    expect(stderr).toBe("");
    const [code, isOpen, message, again] = stdout.trim().split("\n");
    expect([code, isOpen, again]).toEqual(["EMFILE", "false", "true true"]);
    expect(message).toContain("too many open files; raise the limit");
  });
});
