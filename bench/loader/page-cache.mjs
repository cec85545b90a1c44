/** Brings the files of a task into the page cache in one way for all peers. */
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** Folders of the data, ours and the peers', by the first word of a task. */
const DATA = new Map([
  ["raw224", [/^raw224/u, /^(lit|mds|sq)-raw224/u, /^tar/u]],
  ["raw256crop", [/^raw256/u]],
  ["rawfull-rrc", [/^rawfull/u]],
  ["jpeg-train", [/^jp/u, /^(lit|mds)-jpeg/u, /^tar/u]],
]);

/** @param {string} path @returns {string[]} */
function filesBelow(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The files that a task's cases read. @param {string} data @param {string} task */
function filesOf(data, task) {
  const kind = task.split("/")[0];
  const patterns = DATA.get(kind) ?? [];
  const found = ["prepared", "millrace"].flatMap((folder) => {
    const root = join(data, folder);
    if (!existsSync(root)) return [];
    const names = readdirSync(root).filter((name) => patterns.some((pattern) => pattern.test(name)));
    return names.flatMap((name) => filesBelow(join(root, name)));
  });
  return kind === "jpeg-train" ? [...found, ...filesBelow(join(data, "train"))] : found;
}

/** Drops files from the page cache, where the system can: what was written or read in pieces lies there in small pages. */
const DROP = `
import os, sys
for path in sys.stdin.read().split("\\0"):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)
`;

/**
 * Reads all files of a task once, each from its beginning to its end, after they were dropped from the page cache.
 * @param {{ data: string, task: string, python: string }} what
 * @returns {number} bytes read
 */
export function settlePageCache({ data, task, python }) {
  const files = filesOf(data, task);
  if (files.length > 0 && process.platform === "linux") spawnSync(python, ["-c", DROP], { input: files.join("\0") });
  const buffer = Buffer.alloc(8 * 2 ** 20);
  let total = 0;
  for (const file of files) {
    const fd = openSync(file, "r");
    for (let read = 1; read > 0; total += read) read = readSync(fd, buffer);
    closeSync(fd);
  }
  return total;
}
