import { isMillraceError, openFormat } from "@millrace/formats";
import { openOracle } from "@millrace/testkit";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { shardDigests } from "../digests.js";
import { readAll } from "./every-kind.js";
import { pyarrowRows } from "./pyarrow-rows.js";

const arrow = await openFormat("arrow");
const pyarrow = openOracle("pyarrow");

/** Files of the apache/arrow-testing repository; the README there says which. */
const corpora = process.env["MILLRACE_CORPORA"] ?? "";

/** Milliseconds in which each file must have ended. */
const DEADLINE_MS = 1000;

/** Bytes that reading a file may add to the memory of the process. */
const MAX_BYTES = 300 * 2 ** 20;

const FOLDERS = ["arrow-ipc-file-fuzz", "arrow-ipc-stream-fuzz", "arrow-integration"];

const READ = `${pyarrowRows}
table = ipc.open_file(sys.argv[1]).read_all()
print(json.dumps({name: list(rows(table[name])) for name in table.column_names}))`;

describe.each(FOLDERS)("the corpus %s", (folder) => {
  const root = join(corpora, folder);
  const there = corpora !== "" && existsSync(root);

  it("is there", ({ skip }) => {
    skip(!there, `the corpus ${folder} is not available; set MILLRACE_CORPORA to the folder that holds it`);
    expect(readdirSync(root).length).toBeGreaterThan(20);
  });

  it.each(there ? readdirSync(root) : [])(
    "ends in a typed error or a plain read: %s",
    { timeout: DEADLINE_MS },
    async (name) => {
      const before = process.memoryUsage().rss;
      const ending = await arrow
        .openReader(join(root, name))
        .then((reader) => {
          try {
            return readAll(reader).length;
          } finally {
            reader.close();
          }
        })
        .catch((error: unknown) => error);
      expect(typeof ending === "number" || isMillraceError(ending)).toBe(true);
      expect(process.memoryUsage().rss - before).toBeLessThan(MAX_BYTES);
    },
  );
});

describe.skipIf(pyarrow.skip)("the corpus arrow-integration", () => {
  const root = join(corpora, "arrow-integration");

  it("is read as pyarrow reads it, where it is read", async ({ skip }) => {
    skip(corpora === "" || !existsSync(root), "the corpus is not available; set MILLRACE_CORPORA");
    const read: string[] = [];
    for (const name of readdirSync(root)) {
      const path = join(root, name);
      const reader = await arrow.openReader(path).catch(() => undefined);
      if (reader === undefined) continue;
      expect({ name, ...shardDigests(reader) }).toEqual({ name, ...(JSON.parse(pyarrow.run(READ, path)) as object) });
      read.push(name);
      reader.close();
    }
    expect(read.filter((name) => name.includes("uncompressible")).length).toBe(2);
  });
});
