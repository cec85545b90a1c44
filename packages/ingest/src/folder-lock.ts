import { randomBytes } from "node:crypto";
import { mkdir, readFile, readlink, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { fileError, OptionError, temporaryPath } from "@millrace/formats";

/**
 * Keeps two processes from converting into one folder, and never blocks a run after a kill.
 *
 * ```text
 * free --- rename of a prepared folder (fails if there is one) --> held: .millrace-lock/owner.json
 * held --- release, or found dead: rename away, check that it is the one found dead --> free
 * ```
 * The owner is dead if its process is gone. A process of another machine or container cannot be asked: it is dead if
 * its heartbeat, the time of the file `beat` beside `owner.json`, does not move while it is watched.
 */
export interface FolderLock {
  /**
   * Makes sure that the lock is still held: to a process that was stopped for a while it may have been lost.
   * @throws OptionError if another process has it.
   */
  check(): Promise<void>;
  /** Idempotent. */
  release(): Promise<void>;
}

/** Name of the lock in the folder that it locks. */
const LOCK_NAME = ".millrace-lock";
/** How often an owner gives a sign of life, and how long a foreign one is watched for it. */
export interface LockTiming {
  readonly heartbeatMs: number;
  readonly watchMs: number;
}

/** Four heartbeats fit into a watch, so a short pause of the disk is no death. */
const TIMING: LockTiming = { heartbeatMs: 5_000, watchMs: 20_000 };
/** Each turn ends with the lock, with a refusal, or with another process having moved at the same time. */
const MAX_TURNS = 100;

const Owner = z.strictObject({
  token: z.string().length(32),
  pid: z.int().min(1),
  /** Clock ticks from the boot to the start of the process, as a text; `null` where the system does not tell. */
  startTime: z.string().nullable(),
  /** Where `pid` means this process: boot and PID namespace, or the host. */
  machine: z.string(),
  host: z.string(),
});
type Owner = z.infer<typeof Owner>;

/**
 * Takes the lock of a folder that exists.
 * @throws OptionError if a living process has it; FileError if the system refuses.
 */
export async function lockFolder(folder: string, timing: LockTiming = TIMING): Promise<FolderLock> {
  const lock = join(folder, LOCK_NAME);
  const owner: Owner = {
    token: randomBytes(16).toString("hex"),
    pid: process.pid,
    startTime: (await startTimeOf(process.pid)) ?? null,
    machine: await machineName(),
    host: hostname(),
  };
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    if (await tryTake(lock, owner)) return hold(folder, lock, owner.token, timing.heartbeatMs);
    const found = await readOwner(lock);
    if (found === "gone") continue;
    if (await isAlive(lock, found, owner.machine, timing.watchMs)) refuse(folder, lock, found);
    await removeLock(lock, found?.token);
  }
  throw new OptionError({
    option: "out",
    problem: "the lock of the folder changes hands all the time",
    found: lock,
    fix: "let one process convert into a folder",
  });
}

function refuse(folder: string, lock: string, found: Owner | undefined): never {
  throw new OptionError({
    option: "out",
    problem: "another process is converting into this folder",
    found: `${folder}, locked by ${found === undefined ? "an unknown process" : `process ${found.pid} on ${found.host}`}`,
    fix: `wait for it or stop it; if there is none, remove ${lock}`,
  });
}

function refuseLost(folder: string, found: Owner | undefined): never {
  throw new OptionError({
    option: "out",
    problem: "another process has taken the folder over while this one gave no sign of life",
    found: `${folder}${found === undefined ? "" : `, locked by process ${found.pid} on ${found.host}`}`,
    fix: "let the other one finish, or repeat the command once it has stopped",
  });
}

async function tryTake(lock: string, owner: Owner): Promise<boolean> {
  const prepared = temporaryPath(lock);
  try {
    await mkdir(prepared);
    await writeFile(join(prepared, "owner.json"), JSON.stringify(owner));
    await rename(prepared, lock);
    return true;
  } catch (error) {
    await rm(prepared, { recursive: true, force: true });
    const code = (error as NodeJS.ErrnoException).code ?? "";
    // ENOENT: the owner, who is just starting, has removed our prepared folder with other remains.
    if (["ENOTEMPTY", "EEXIST", "EPERM", "EACCES", "ENOENT"].includes(code) && (await exists(lock))) return false;
    throw fileError(lock, "lock the folder", error);
  }
}

function hold(folder: string, lock: string, token: string, heartbeatMs: number): FolderLock {
  const beat = setInterval(() => {
    writeFile(join(lock, "beat"), "1").catch(() => undefined);
  }, heartbeatMs).unref();
  return {
    check: async () => {
      const found = await readOwner(lock);
      if (found === "gone" || found?.token !== token) refuseLost(folder, found === "gone" ? undefined : found);
    },
    release: async () => {
      clearInterval(beat);
      await removeLock(lock, token);
    },
  };
}

/** Removes the lock if it is still that of `token`; puts back what it took from a faster process. */
async function removeLock(lock: string, token: string | undefined): Promise<void> {
  const aside = temporaryPath(lock);
  try {
    await rename(lock, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw fileError(lock, "remove the lock", error);
  }
  const found = await readOwner(aside);
  if (found !== "gone" && found?.token !== token) await rename(aside, lock).catch(() => undefined);
  await rm(aside, { recursive: true, force: true });
}

async function readOwner(lock: string): Promise<Owner | undefined | "gone"> {
  try {
    return Owner.parse(JSON.parse(await readFile(join(lock, "owner.json"), "utf8")));
  } catch {
    return (await exists(lock)) ? undefined : "gone";
  }
}

async function isAlive(lock: string, owner: Owner | undefined, machine: string, watchMs: number): Promise<boolean> {
  return owner?.machine === machine ? await runs(owner) : await beats(lock, watchMs);
}

async function runs(owner: Owner): Promise<boolean> {
  const startTime = await startTimeOf(owner.pid);
  if (startTime === "ended") return false;
  if (startTime !== undefined && owner.startTime !== null) return startTime === owner.startTime;
  // No such process, no /proc, or one that hides the processes of other users (hidepid of proc(5)).
  try {
    return process.kill(owner.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function beats(lock: string, watchMs: number): Promise<boolean> {
  const last = async (): Promise<number | undefined> =>
    (await stat(join(lock, "beat")).catch(() => undefined))?.mtimeMs;
  const before = await last();
  const looks = 20;
  for (let look = 0; look < looks; look++) {
    await sleep(watchMs / looks);
    if ((await last()) !== before) return await exists(lock);
  }
  return false;
}

/** Field 22 of /proc/pid/stat (proc(5)), or `ended` of a process that only waits to be reaped; `undefined` if untold. */
async function startTimeOf(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    // The second field, the command's name, may hold spaces and brackets; fields after it do not.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "ended" : fields[19];
  } catch {
    return undefined;
  }
}

async function machineName(): Promise<string> {
  try {
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    return `${boot.trim()} ${await readlink("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
