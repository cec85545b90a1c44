import { BackendError, fileError, temporaryPath } from "@millrace/formats";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { checkWheel } from "./check-wheel.js";
import type { PinnedWheel } from "./release.js";
import { runProgram } from "./run-program.js";

/** What {@link fetchWheel} may be told. */
export interface FetchOptions {
  /** The environment of pip, which configures it: index, proxy, certificates. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with the bytes that have come so far. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Command lines that mean pip, in the order in which they are tried. uv has no `download` of its own, but runs pip. */
const PIPS: readonly (readonly [command: string, ...args: string[]])[] = [
  ["python3", "-m", "pip"],
  ["python", "-m", "pip"],
  ["pip3"],
  ["pip"],
  ["uv", "tool", "run", "pip"],
];

const LOOK_MS = 500;

/**
 * The arguments of `pip download` for exactly one wheel. Which Python runs pip does not matter: the tags of the wheel
 * itself say what it is for.
 */
export function pipArguments({ project, version, file }: PinnedWheel, into: string): string[] {
  const [python = "", , platforms = ""] = file
    .replace(/\.whl$/u, "")
    .split("-")
    .slice(-3);
  const digits = /^cp(\d+)$/u.exec(python)?.[1] ?? "311";
  const targets = platforms.split(".").flatMap((platform) => ["--platform", platform]);
  const quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir", "--retries", "3"];
  const only = ["--no-deps", "--only-binary=:all:", "--python-version", digits, ...targets];
  return ["download", ...quiet, ...only, "--dest", into, `${project}==${version}`];
}

/**
 * Downloads a wheel into a folder by pip, checks its SHA-256 and returns its path. It comes in a folder aside, so what
 * has its name is complete and right.
 * @throws {@link BackendError} if there is no pip, the index cannot be reached or has no such wheel, or the file is
 * another one; {@link FileError}; the signal's reason.
 */
export async function fetchWheel(wheel: PinnedWheel, folder: string, options: FetchOptions): Promise<string> {
  const [command, ...before] = await findPip(options);
  const aside = temporaryPath(join(folder, "download"));
  try {
    await mkdir(aside, { recursive: true });
    // pip writes to its temporary folder first, which may be small elsewhere.
    const env = { ...options.env, TMPDIR: aside };
    const look = setInterval(() => void longestIn(aside).then(options.onBytes), LOOK_MS);
    const ended = runProgram(command, [...before, ...pipArguments(wheel, aside)], { ...options, env });
    const { code, stderr } = await ended.finally(() => clearInterval(look));
    if (code !== 0) throw pipFailed(wheel, stderr);
    const name = (await readdir(aside)).find((file) => file.endsWith(".whl"));
    if (name === undefined) throw pipFailed(wheel, "pip left no wheel");
    await checkWheel(join(aside, name), wheel, options.signal);
    await rename(join(aside, name), join(folder, wheel.file));
    return join(folder, wheel.file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw fileError(folder, "download into the folder", error, wheel.bytes);
  } finally {
    await rm(aside, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function findPip(options: FetchOptions): Promise<readonly [command: string, ...args: string[]]> {
  for (const pip of PIPS) {
    const [command, ...args] = pip;
    if ((await runProgram(command, [...args, "--version"], options)).code === 0) return pip;
  }
  throw new BackendError({
    problem: "neither pip nor uv was found, which download the wheel",
    reason: "no-pip",
    expected: PIPS.map((words) => words.join(" ")).join(", "),
    fix: "install Python 3 with pip (on Debian: apt-get install python3-pip), or download the wheel elsewhere and give it by --wheel FILE",
  });
}

/** Bytes of the longest file in a folder that another process is filling; pip copies it at the end. */
async function longestIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = entries.map((name) =>
    stat(join(folder, name)).then(
      (status) => (status.isFile() ? status.size : 0),
      () => 0,
    ),
  );
  return Math.max(0, ...(await Promise.all(sizes)));
}

const UNREACHABLE =
  /Connection refused|NewConnectionError|NameResolutionError|Name or service not known|Temporary failure in name resolution|Network is unreachable|ProxyError|timed out|ConnectTimeout/iu;

const FULL = /No space left on device|Disk quota exceeded/iu;

function pipFailed(wheel: PinnedWheel, stderr: string): BackendError {
  const lines = stderr.split("\n").map((line) => line.trim());
  const last = lines.findLast((line) => line.startsWith("ERROR:")) ?? lines.findLast((line) => line !== "");
  const byHand = `get ${wheel.file} on another machine and give it by --wheel FILE`;
  if (FULL.test(stderr))
    return failed(wheel, "the disk is full", "no-space", last, `free ${wheel.bytes} bytes, or choose --cache DIR`);
  if (UNREACHABLE.test(stderr))
    return failed(wheel, "the package index cannot be reached", "no-network", last, `check the network, or ${byHand}`);
  const fix = `check pip's settings (python3 -m pip config list), or ${byHand}`;
  return failed(wheel, "pip could not download it", "pip", last, fix);
}

function failed(
  wheel: PinnedWheel,
  problem: string,
  reason: string,
  found: string | undefined,
  fix: string,
): BackendError {
  return new BackendError({ problem: `${wheel.project} ${wheel.version}: ${problem}`, reason, found, fix });
}
