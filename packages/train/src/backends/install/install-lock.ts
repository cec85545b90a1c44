import { BackendError, fileError, isMillraceError } from "@millrace/formats";
import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

/** What {@link lockCache} may be told. */
export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once if another process holds the lock. */
  readonly onWait?: ((holder: string) => void) | undefined;
  /** How long to wait for another process, in ms. */
  readonly timeoutMs?: number;
  /** Wall clock, in ms; the times of files are compared with it. */
  readonly now?: () => number;
}

const BEAT_MS = 1000;
/** A holder that died without a word beats no more. */
const SILENT_MS = 5000;
/** A holder on another machine is taken for dead only after much longer, for clocks differ. */
const SILENT_ELSEWHERE_MS = 120_000;
const TIMEOUT_MS = 3_600_000;

const holderSchema = z.object({ pid: z.number(), host: z.string(), token: z.string() });

/**
 * Lets one process at a time install into a cache folder. The file `install.lock` names its holder, who touches it
 * every second; a file that is no longer touched is taken over. The lock only saves work: everything in the cache is
 * made aside and renamed, so two holders at once, which a stopped clock could cause, do no harm.
 * @throws {@link BackendError} if another process holds it for longer than `timeoutMs`; {@link FileError} if the
 * folder cannot be written; the signal's reason.
 */
export async function lockCache(cache: string, options: LockOptions = {}): Promise<AsyncDisposable> {
  const { signal, onWait, timeoutMs = TIMEOUT_MS, now = Date.now } = options;
  const path = join(cache, "install.lock");
  const token = randomBytes(8).toString("hex");
  const deadline = now() + timeoutMs;
  let waited = false;
  try {
    await mkdir(cache, { recursive: true });
    while (!(await take(path, token))) {
      signal?.throwIfAborted();
      const holder = await readHolder(path, now());
      if (holder?.isSilent === true) await removeLock(path, holder.token);
      if (holder === undefined || holder.isSilent) continue;
      if (!waited) onWait?.(holder.name);
      waited = true;
      if (now() > deadline) throw timedOut(path, holder.name, timeoutMs);
      await sleep(200, undefined, signal === undefined ? {} : { signal });
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw isMillraceError(error) ? error : fileError(path, "lock the cache", error);
  }
  const beat = setInterval(() => void touch(path, now()), BEAT_MS);
  beat.unref();
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(beat);
      await removeLock(path, token);
    },
  };
}

async function take(path: string, token: string): Promise<boolean> {
  try {
    await using file = await open(path, "wx");
    await file.writeFile(JSON.stringify({ pid: process.pid, host: hostname(), token }));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

interface Holder {
  readonly name: string;
  readonly token: string;
  readonly isSilent: boolean;
}

/** Whose lock it is; `undefined` if it has just gone. A lock without text is one whose writer died at once. */
async function readHolder(path: string, now: number): Promise<Holder | undefined> {
  try {
    const text = await readFile(path, "utf8");
    const silentMs = now - (await stat(path)).mtimeMs;
    const known = holderSchema.safeParse(parse(text)).data;
    if (known === undefined) return { name: "a process", token: text, isSilent: silentMs > SILENT_MS };
    const { pid, host, token } = known;
    const isSilent = silentMs > (host === hostname() && !isAlive(pid) ? SILENT_MS : SILENT_ELSEWHERE_MS);
    return { name: `process ${pid} on ${host}`, token, isSilent };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Removes the lock if it is still that one: it is moved away first, and put back if it is another's. */
async function removeLock(path: string, token: string): Promise<void> {
  const aside = `${path}.${randomBytes(8).toString("hex")}`;
  try {
    await rename(path, aside);
    const text = await readFile(aside, "utf8");
    const found = holderSchema.safeParse(parse(text)).data?.token ?? text;
    if (found !== token) await link(aside, path);
  } catch {
    // Gone, or taken by another: in both cases it is not ours to remove.
  }
  await rm(aside, { force: true }).catch(() => undefined);
}

async function touch(path: string, now: number): Promise<void> {
  await utimes(path, now / 1000, now / 1000).catch(() => undefined);
}

function timedOut(path: string, holder: string, timeoutMs: number): BackendError {
  return new BackendError({
    file: path,
    problem: `${holder} has been installing for more than ${Math.round(timeoutMs / 1000)} s`,
    reason: "locked",
    fix: "wait for it, or end it and run again",
  });
}
