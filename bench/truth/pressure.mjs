/** How busy others keep the machine: without it nobody can tell a wrong figure from a disturbed one. */
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Microseconds in which somebody waited for a CPU; NaN where the system does not tell. */
function waitedUs() {
  if (!existsSync("/proc/pressure/cpu")) return Number.NaN;
  return Number(/total=(\d+)/u.exec(readFileSync("/proc/pressure/cpu", "utf8"))?.[1] ?? Number.NaN);
}

/** Seconds of CPU that the whole machine has spent, and that other guests of its host took. */
function machineSeconds() {
  if (!existsSync("/proc/stat")) return { busy: Number.NaN, stolen: Number.NaN };
  const ticks = readFileSync("/proc/stat", "utf8").split("\n")[0].trim().split(/\s+/u).slice(1).map(Number);
  return { busy: (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) / 100, stolen: ticks[7] / 100 };
}

function ownSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/**
 * Begins to watch. The function it returns gives shares, 0 to 1: `pressure`, of the time, in which somebody waited for a
 * CPU; `foreign`, of all CPUs, that other processes took; `stolen`, of all CPUs, that other guests of the host took.
 */
export function watchMachine() {
  const [start, waited, machine, own] = [performance.now(), waitedUs(), machineSeconds(), ownSeconds()];
  return () => {
    const seconds = (performance.now() - start) / 1000;
    const now = machineSeconds();
    const all = seconds * availableParallelism();
    return {
      pressure: (waitedUs() - waited) / 1e6 / seconds,
      foreign: Math.max(0, (now.busy - machine.busy - (ownSeconds() - own)) / all),
      stolen: (now.stolen - machine.stolen) / all,
    };
  };
}
