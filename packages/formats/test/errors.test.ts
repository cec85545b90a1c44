import {
  CorruptShardError,
  errorFromData,
  errorToData,
  fileError,
  isMillraceError,
  OptionError,
  printable,
  type ErrorData,
} from "@millrace/formats";
import { describe, expect, it } from "vitest";

describe("an error of millrace", () => {
  it("says what failed, where, what was expected and found, and the way out", () => {
    const error = new CorruptShardError({
      file: "shards/train/shard-00003.h5",
      sample: 812,
      byte: 1048604,
      problem: "the crc32c is wrong",
      expected: "0x1f2e3d4c",
      found: "0x00000000",
      fix: "run millrace repair",
    });
    expect(error.message).toBe(
      "shards/train/shard-00003.h5, sample 812, byte 1048604: the crc32c is wrong; expected 0x1f2e3d4c, found 0x00000000; run millrace repair",
    );
    expect(error.name).toBe("CorruptShardError");
    expect(error.exitCode).toBe(3);
  });

  it("is told apart by its code", () => {
    const error: unknown = new OptionError({ option: "batchSize", problem: "is impossible", found: "0" });
    expect(isMillraceError(error, "OPTION")).toBe(true);
    expect(isMillraceError(error, "FILE")).toBe(false);
    expect(isMillraceError(new Error("x"))).toBe(false);
  });

  it("shows control characters of hostile names as escapes", () => {
    expect(printable("a\u001b[31mb\nc\u0000")).toBe("a\\x1b[31mb\\x0ac\\x00");
    expect(new OptionError({ problem: "is\r\nbad" }).message).toBe("is\\x0d\\x0abad");
  });

  it("keeps class, code, fields and stack as data across a thread boundary", () => {
    const error = new CorruptShardError({ file: "a.h5", sample: 3, problem: "bad", cause: new Error("deep") });
    const data = JSON.parse(JSON.stringify(errorToData(error))) as ErrorData;
    const revived = errorFromData(data);
    expect(revived).toBeInstanceOf(CorruptShardError);
    expect(revived.message).toBe(error.message);
    expect(revived.stack).toBe(error.stack);
    expect((revived as CorruptShardError).detail).toMatchObject({ file: "a.h5", sample: 3, cause: "deep" });
  });

  it("lets a foreign error cross with its message and stack", () => {
    const revived = errorFromData(errorToData(new TypeError("boom")));
    expect(revived.message).toBe("boom");
    expect(isMillraceError(revived)).toBe(false);
    expect(errorFromData(errorToData("text")).message).toBe("text");
  });

  it("translates the codes of the operating system", () => {
    const cause = Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC" });
    expect(fileError("x.h5", "write the shard", cause, 4096).message).toBe(
      "x.h5: cannot write the shard: the disk is full; free at least 4096 bytes",
    );
    expect(fileError("x.h5", "open", Object.assign(new Error("?"), { code: "EWEIRD" })).message).toBe(
      "x.h5: cannot open: ?",
    );
  });
});
