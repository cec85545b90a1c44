import { isMillraceError, openFormat } from "@millrace/formats";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readAll } from "./every-kind.js";

const arrow = await openFormat("arrow");

/** Files of the apache/arrow-testing repository; the README there says which. */
const corpora = process.env["MILLRACE_CORPORA"] ?? "";

/** Milliseconds in which each file must have ended. */
const DEADLINE_MS = 1000;

const FOLDERS = ["arrow-ipc-file-fuzz", "arrow-ipc-stream-fuzz", "arrow-integration"];

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
    },
  );
});
