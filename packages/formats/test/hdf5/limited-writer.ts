import { spawnSync } from "node:child_process";

const FORMATS = new URL("../../dist/index.js", import.meta.url).href;

/** In a process of its own: writes a shard, and prints how that ended and what is left in the folder. */
const WRITE = `
  const { openFormat } = await import(process.argv[1]);
  const { readdirSync } = await import("node:fs");
  const folder = process.argv[2];
  const schema = { fields: [{ name: "image", kind: "tensor", dtype: "uint8", shape: [100, 100] }, { name: "key", kind: "string" }] };
  let code = "written";
  let writer;
  try {
    writer = await (await openFormat("hdf5")).createWriter(folder + "/a.h5", { schema, expectedSamples: process.argv[3] === "?" ? undefined : 20 });
    for (let n = 0; n < 20; n++)
      await writer.write(new Map([["image", new Uint8Array(10000).fill(n)], ["key", "k" + n]]));
    await writer.finish();
  } catch (error) {
    code = error.code + " " + error.message;
    await writer?.abort();
  }
  console.log(JSON.stringify({ code, left: readdirSync(folder) }));
`;

/** How the writing ended. */
export interface Ending {
  /** `written`, or the error's code and message. */
  readonly code: string;
  /** Names that are left in the folder. */
  readonly left: readonly string[];
}

/**
 * Writes a shard of about 200 KB into `folder`, in a process of its own, which `limit` begins and which may not do all
 * that it wants.
 * @param limit a command and its arguments, which runs the command in the arguments after them.
 */
export function writeLimited(limit: readonly string[], folder: string, numberKnown: boolean): Ending {
  const [command, ...args] = limit as [string, ...string[]];
  const node = [process.execPath, "--input-type=module", "-e", WRITE, FORMATS, folder, numberKnown ? "20" : "?"];
  const run = spawnSync(command, [...args, ...node], { encoding: "utf8" });
  if (run.stderr !== "") throw new Error(run.stderr);
  return JSON.parse(run.stdout) as Ending;
}

/** Lets no file grow beyond so many blocks of 512 bytes. */
export function fileLimit(blocks: number): string[] {
  return ["sh", "-c", `trap '' XFSZ; ulimit -f ${blocks}; exec "$@"`, "sh"];
}
