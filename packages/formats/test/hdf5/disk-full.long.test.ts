import { tempDir } from "@millrace/testkit";
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { fileLimit, writeLimited } from "./limited-writer.js";

/** True where a file system of a few KiB can be mounted, in name spaces of its own. */
const canMount = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;

describe("a writer of HDF5", () => {
  it.skipIf(!canMount).each([16, 128, 196])("says that the disk is full when it has room for %i KiB", (kibibytes) => {
    const mounted = `mount -t tmpfs -o size=${kibibytes}k tmpfs /mnt && exec "$@"`;
    for (const known of [true, false]) {
      const { code, left } = writeLimited(["unshare", "-rm", "sh", "-c", mounted, "sh"], "/mnt", known);
      expect(code).toMatch(/^FILE \/mnt\/a\.h5: .*: the disk is full; free /u);
      expect(left).toEqual([]);
    }
  });

  it.skipIf(process.platform === "win32").each([4, 40, 200, 380])(
    "leaves nothing where files end after %i blocks",
    (blocks) => {
      for (const known of [true, false]) {
        const { code, left } = writeLimited(fileLimit(blocks), tempDir(), known);
        expect(code).toMatch(/^FILE .*a\.h5: cannot /u);
        expect(left).toEqual([]);
      }
    },
  );
});
