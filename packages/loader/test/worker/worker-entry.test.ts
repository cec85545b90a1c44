import { FORMAT_NAMES } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, realpathSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { workerEntry } from "../../dist/worker/worker-entry.js";
import { makeDataset } from "../make-dataset.js";
import { makeSeekable } from "../make-seekable.js";

const ROOT = new URL("../../../../", import.meta.url);

/** A folder of compiled files, with notes of the compiler and a bundle of the worker that are so many seconds old. */
function makeDist(notes: number | undefined, bundle?: number): URL {
  const folder = tempDir();
  const put = (name: string, age: number | undefined): void => {
    if (age === undefined) return;
    mkdirSync(join(folder, "bundle"), { recursive: true });
    writeFileSync(join(folder, name), "");
    utimesSync(join(folder, name), 1e9 - age, 1e9 - age);
  };
  put(".tsbuildinfo", notes);
  put("bundle/worker.cjs", bundle);
  return pathToFileURL(`${folder}/`);
}

const entryOf = (loader: URL, ...others: URL[]): string => basename(workerEntry(loader, others));

it("a worker starts with the bundle of its modules, unless there is none or a package was compiled since", () => {
  expect(entryOf(makeDist(2, 1), makeDist(3), makeDist(1))).toBe("worker.cjs");
  expect(entryOf(makeDist(undefined, 1), makeDist(undefined))).toBe("worker.cjs");
  expect(entryOf(makeDist(1, 2), makeDist(3))).toBe("entry.cjs");
  expect(entryOf(makeDist(3, 2), makeDist(1))).toBe("entry.cjs");
  expect(entryOf(makeDist(undefined), makeDist(undefined))).toBe("entry.cjs");
});

/** The packages as they are published: compiled files without the compiler's notes, other packages linked. */
function publish(): string {
  const packages = join(tempDir(), "packages");
  for (const name of ["formats", "image", "loader"]) {
    const from = fileURLToPath(new URL(`packages/${name}/`, ROOT));
    const to = join(packages, name);
    const isShipped = (path: string): boolean =>
      !/\/(?:test|kernels\/build|node_modules|bundle)(?:\/|$)|\.tsbuildinfo$|\.ts$/u.test(path.slice(from.length - 1));
    cpSync(from, to, { recursive: true, filter: isShipped });
    for (const own of readdirSync(join(from, "node_modules"))) linkAll(join(from, "node_modules", own), to, own);
  }
  return packages;
}

function linkAll(from: string, to: string, own: string): void {
  mkdirSync(join(to, "node_modules"), { recursive: true });
  const modules = own.startsWith("@") ? readdirSync(from).map((name) => join(own, name)) : [own];
  for (const name of modules) {
    const target = join(to, "node_modules", name);
    mkdirSync(join(target, ".."), { recursive: true });
    const isOurs = name.startsWith("@millrace");
    symlinkSync(isOurs ? join(to, "..", basename(name)) : realpathSync(join(from, "..", name)), target);
  }
}

/** Prints what its workers start with, and a hash of all batches of each data set, made by so many workers. */
const PROGRAM = `
import { createHash } from "node:crypto";
const [dist, paths, ...counts] = process.argv.slice(1);
const { horizontalFlip, normalize, openLoader, randomResizedCrop } = await import(dist + "index.js");
const { workerEntry } = await import(dist + "worker/worker-entry.js");
const transforms = [randomResizedCrop(8), horizontalFlip(), normalize({ mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.2] })];
const hashes = [];
for (const numWorkers of counts.map(Number))
  for (const path of JSON.parse(paths)) {
    const loader = await openLoader(path, { batchSize: 8, numWorkers, transforms });
    const hash = createHash("sha256");
    for await (const { fields } of loader)
      for (const { data } of Object.values(fields)) hash.update(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    hashes.push(hash.digest("hex"));
    await loader.close();
  }
console.log(JSON.stringify({ entry: workerEntry(), hashes }));`;

const run = (...args: string[]): string => execFileSync(process.execPath, args, { encoding: "utf8" });

interface Printed {
  readonly entry: string;
  readonly hashes: readonly string[];
}

it("published packages make the same batches of every format and encoding with the bundle as without", async () => {
  const made = [
    makeSeekable(12),
    ...FORMAT_NAMES.map(async (format) => (await makeDataset({ samples: 20, format })).path),
  ];
  const paths = [...(await Promise.all(made)), (await makeDataset({ samples: 20, mode: "png" })).path];
  const packages = publish();
  const dist = pathToFileURL(join(packages, "loader/dist/")).href;
  const print = (...counts: string[]): Printed =>
    JSON.parse(run("--input-type=module", "-e", PROGRAM, dist, JSON.stringify(paths), ...counts)) as Printed;
  run(fileURLToPath(new URL("scripts/bundle-worker.mjs", ROOT)), packages);
  const bundled = print("0", "2");
  rmSync(join(packages, "loader/dist/bundle"), { recursive: true });
  const plain = print("2");
  expect([bundled, plain].map(({ entry }) => basename(entry))).toEqual(["worker.cjs", "entry.cjs"]);
  expect(plain.hashes).toHaveLength(6);
  expect(bundled.hashes).toEqual([...plain.hashes, ...plain.hashes]);
});
