/** Runs all cases of one task by the peers' own run.py, in turns, and tells how far it is. */
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";

/** Seconds that a case takes beside the timed part where no earlier run tells it: imports, compiling, a first epoch. */
const OVERHEAD_S = 14;

/**
 * @typedef {object} TaskRun
 * @property {string} task
 * @property {string} script run.py
 * @property {string} python
 * @property {string} data
 * @property {string} peers pattern of the peers' commands
 * @property {readonly string[]} extras commands of our cases
 * @property {string} rounds
 * @property {string} retry
 * @property {string} seconds
 * @property {string | undefined} lock
 */

/** The commands of the peers that a task has. @param {TaskRun} run */
export function peerCases({ task, script, python, data, peers }) {
  const args = [script, "--data", data, "--tasks", `^${task}$`, "--peers", peers, "--list"];
  const { stdout } = spawnSync(python, args, { encoding: "utf8" });
  return stdout.split("\n").filter((line) => line !== "");
}

/** Estimated seconds of a task. @param {TaskRun} run @param {number | undefined} caseSeconds of a case, as measured before */
export function estimateSeconds(run, caseSeconds) {
  const cases = peerCases(run).length + run.extras.length;
  return cases * Number(run.rounds) * (caseSeconds ?? OVERHEAD_S + Number(run.seconds));
}

/** A case that gave no result: its command, and the last line of what it said. @param {string} stderr */
export function failures(stderr) {
  return stderr
    .split(/^FAILED \S+ /mu)
    .slice(1)
    .map((text) => {
      const [command, reason] = splitFailure(text);
      return { peer: command, reason };
    });
}

/** run.py prints the end of the command and the end of stderr, with one space between. @param {string} text */
function splitFailure(text) {
  const script = /([\w-]+\.(?:py|mjs))((?: (?!-)[\w-]+)?(?: --[\w-]+(?: (?!-)\S+)?)*)/u.exec(text);
  const command = `${script?.[1] ?? "?"}${(script?.[2] ?? "").replace(/ --data \S+/u, "")}`;
  const said = script === null ? text : text.slice(script.index + script[0].length);
  return [command, (said.trim().split("\n").at(-1) ?? "").slice(-200)];
}

/**
 * Runs a task. Rows come as run.py writes them; `onRow` is called after each.
 * @param {TaskRun} run
 * @param {(row: Record<string, unknown>) => void} onRow
 * @returns {Promise<{ rows: Record<string, unknown>[], failed: { peer: string, reason: string }[] }>}
 */
export async function runTask(run, onRow) {
  const { task, script, python, data, peers, rounds, retry, seconds, lock } = run;
  const args = [script, "--data", data, "--tasks", `^${task}$`, "--peers", peers, "--rounds", rounds];
  args.push("--retry", retry, "--seconds", seconds, "--timeout", "240");
  if (lock !== undefined) args.push("--lock", lock, "--hold", "45");
  for (const extra of run.extras) args.push("--extra", `${task}=${extra}`);
  const child = spawn(python, args, { stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
    process.stderr.write(text);
  });
  const rows = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith("{")) continue;
    const row = JSON.parse(line);
    rows.push(row);
    onRow(row);
  }
  const skipped = rows.filter((row) => row.skipped !== undefined);
  const failed = [...skipped.map((row) => ({ peer: row.peer, reason: row.skipped })), ...failures(stderr)];
  const once = new Map(failed.map((one) => [`${one.peer} ${one.reason}`, one]));
  return { rows: rows.filter((row) => row.img_per_s !== undefined), failed: [...once.values()] };
}
