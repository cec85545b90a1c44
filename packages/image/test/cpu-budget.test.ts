import { availableParallelism } from "node:os";
import { cpuBudget, cpuBudgetOf } from "@millrace/image";
import { describe, expect, it } from "vitest";

/** The budget of a machine of 16 CPUs with these files. */
const budget = (files: Record<string, string>, cpus = 16): number => {
  const texts = new Map(Object.entries(files));
  return cpuBudgetOf(cpus, (path) => texts.get(path));
};

/** The budget with that quota of cgroup v2. */
const inside = (max: string): number => budget({ "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": max });

/** The files of a container with that quota of cgroup v1. */
const quotaFiles = (quota: string): Record<string, string> => ({
  "/proc/self/cgroup": "11:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n",
  "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us": quota,
  "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us": "50000\n",
});

/** The status of a process with that affinity. */
const status = (list: string): Record<string, string> => ({
  "/proc/self/status": `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${list}\nMems_allowed_list:\t0\n`,
});

describe("the CPU budget", () => {
  it("of this machine is between one CPU and all that Node sees", () => {
    expect(cpuBudget()).toBeGreaterThanOrEqual(1);
    expect(cpuBudget()).toBeLessThanOrEqual(availableParallelism());
  });

  it("without any of the files is what Node sees", () => {
    expect(budget({})).toBe(16);
    expect(budget({}, 1)).toBe(1);
  });

  it("is a cgroup v2 quota, rounded down, never below one", () => {
    expect(inside("200000 100000\n")).toBe(2);
    expect(inside("250000 100000\n")).toBe(2);
    expect(inside("30000 100000\n")).toBe(1);
    expect(inside("max 100000\n")).toBe(16);
    expect(inside("6400000 100000\n")).toBe(16);
  });

  it("is the least quota of the group and the groups above it", () => {
    const files = {
      "/proc/self/cgroup": "0::/user.slice/job.scope\n",
      "/sys/fs/cgroup/user.slice/job.scope/cpu.max": "800000 100000\n",
      "/sys/fs/cgroup/user.slice/cpu.max": "300000 100000\n",
    };
    expect(budget(files)).toBe(3);
    expect(budget({ ...files, "/sys/fs/cgroup/user.slice/cpu.max": "max 100000\n" })).toBe(8);
  });

  it("is a cgroup v1 quota", () => {
    expect(budget(quotaFiles("200000\n"))).toBe(4);
    expect(budget(quotaFiles("-1\n"))).toBe(16);
    // Inside a container the group of /proc/self/cgroup is often not there: its files are at the root.
    const root = {
      "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "150000\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    };
    expect(budget({ ...quotaFiles("-1\n"), ...root })).toBe(1);
  });

  it("is the affinity", () => {
    expect(budget(status("0-3,8"))).toBe(5);
    expect(budget(status("7"))).toBe(1);
    expect(budget(status("0-127"))).toBe(16);
  });

  it("is the least of all", () => {
    const files = {
      "/proc/self/cgroup": "0::/\n",
      "/sys/fs/cgroup/cpu.max": "600000 100000\n",
      "/proc/self/status": "Cpus_allowed_list:\t0-4\n",
    };
    expect(budget(files)).toBe(5);
    expect(budget(files, 3)).toBe(3);
  });

  it.each(["", "nonsense", "-5 100000", "100000 0", "100000", "1e3 10", "0 100000"])(
    "is not moved by the broken cgroup v2 quota %j",
    (text) => {
      expect(budget({ "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": text })).toBe(16);
    },
  );

  it.each(["", "nonsense", "-5", "0", "1e3", "1 2"])("is not moved by the broken cgroup v1 quota %j", (text) => {
    expect(budget(quotaFiles(text))).toBe(16);
  });

  it.each(["", "a-b", "3-1", "1,,2", "0-"])("is not moved by the broken affinity %j", (list) => {
    expect(budget({ "/proc/self/status": `Cpus_allowed_list:\t${list}\n` })).toBe(16);
  });

  it("reads nothing outside of the groups that it is told", () => {
    const read: string[] = [];
    cpuBudgetOf(4, (path) => {
      read.push(path);
      return path === "/proc/self/cgroup" ? "0::/../../etc\n4:cpu:/../x\n" : undefined;
    });
    expect(read.filter((path) => path.includes(".."))).toEqual([]);
  });
});
