import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Reads a small text file; `undefined` if there is none or it may not be read. */
export type ReadText = (path: string) => string | undefined;

/** `cpu.max` of cgroup v2, `"150000 100000"` or `"max 100000"`: CPUs, or `undefined` for no limit. */
export function parseCpuMax(text: string): number | undefined {
  const match = /^(\d+) (\d+)\s*$/u.exec(text);
  return match === null ? undefined : quotient(Number(match[1]), Number(match[2]));
}

/** `cpu.cfs_quota_us` (-1: no limit) and `cpu.cfs_period_us` of cgroup v1: CPUs, or `undefined` for no limit. */
export function parseCfsQuota(quota: string, period: string): number | undefined {
  const numbers = [quota, period].map((text) => (/^-?\d+\s*$/u.test(text) ? Number(text) : 0));
  return quotient(numbers[0] ?? 0, numbers[1] ?? 0);
}

function quotient(quota: number, period: number): number | undefined {
  return quota > 0 && period > 0 ? quota / period : undefined;
}

/** A list of CPUs as Linux writes it, `"0-3,8"`: how many, or `undefined` if it is not such a list. */
export function parseCpuList(text: string): number | undefined {
  let count = 0;
  for (const part of text.trim().split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/u.exec(part);
    if (match === null) return undefined;
    const from = Number(match[1]);
    const to = match[2] === undefined ? from : Number(match[2]);
    if (to < from) return undefined;
    count += to - from + 1;
  }
  return count;
}

/** The affinity in `/proc/self/status`, line `Cpus_allowed_list`: how many CPUs, or `undefined`. */
export function parseAffinity(status: string): number | undefined {
  const match = /^Cpus_allowed_list:\s*(\S+)$/mu.exec(status);
  return match === null ? undefined : parseCpuList(match[1] as string);
}

/** The process's groups in `/proc/self/cgroup`: path of v2, and of v1's controller `cpu`; `undefined` where there is none. */
export function parseCgroups(text: string): { v2: string | undefined; v1: string | undefined } {
  let v2: string | undefined;
  let v1: string | undefined;
  for (const line of text.split("\n")) {
    const match = /^(\d+):([^:]*):(\/.*)$/u.exec(line);
    // A path with `..` lies outside of what this process can see.
    if (match === null || (match[3] as string).includes("/..")) continue;
    if (match[1] === "0" && match[2] === "") v2 = match[3];
    else if ((match[2] as string).split(",").includes("cpu")) v1 = match[3];
  }
  return { v2, v1 };
}

/** A group's folder and those above it, up to the root of the hierarchy, which is always there: `/a/b` -> `/a/b`, `/a`, ``. */
function ancestors(path: string | undefined): string[] {
  const parts = (path ?? "").split("/").filter((part) => part !== "");
  return [...parts.map((_, i) => `/${parts.slice(0, parts.length - i).join("/")}`), ""];
}

/** The limits of this process, in CPUs, from the files of Linux; a file that is not there gives no limit. */
function linuxLimits(read: ReadText): (number | undefined)[] {
  const { v2, v1 } = parseCgroups(read("/proc/self/cgroup") ?? "");
  return [
    parseAffinity(read("/proc/self/status") ?? ""),
    ...ancestors(v2).map((group) => parseCpuMax(read(`/sys/fs/cgroup${group}/cpu.max`) ?? "")),
    ...ancestors(v1).map((group) =>
      parseCfsQuota(
        read(`/sys/fs/cgroup/cpu${group}/cpu.cfs_quota_us`) ?? "",
        read(`/sys/fs/cgroup/cpu${group}/cpu.cfs_period_us`) ?? "",
      ),
    ),
  ];
}

/** {@link cpuBudget} for a machine of `parallelism` CPUs whose files `read` reads. */
export function cpuBudgetOf(parallelism: number, read: ReadText): number {
  const limits = linuxLimits(read).filter((limit) => limit !== undefined);
  return Math.max(1, Math.floor(Math.min(parallelism, ...limits)));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * CPUs that this process may use, 1 or more: the least of what Node reports, the affinity, and the quotas of the
 * process's cgroup and those above it (v2 `cpu.max`, v1 `cpu.cfs_quota_us`), which Node before 22 does not know.
 * A fraction is rounded down: of 2.5 CPUs, 2 threads can be busy all the time.
 */
export function cpuBudget(): number {
  return cpuBudgetOf(availableParallelism(), readText);
}
