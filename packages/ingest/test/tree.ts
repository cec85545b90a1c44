import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

/** What `diff -r` says of two folders: nothing if all files are equal. */
export function diff(a: string, b: string): string {
  const { stdout, stderr } = spawnSync("diff", ["-r", a, b], { encoding: "utf8" });
  return stdout + stderr;
}

/** Every path in a folder, hidden ones too, in order. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true }).map(String).toSorted();
}
