/**
 * `node bench/loader.mjs --peers DIR [--tasks REGEX] [--peer REGEX] [--seconds 5] [--rounds 3] [--retry 1] [--lock FILE]
 * [--out FILE] [--plan]`: the loader against its peers. Runs DIR/run.py, which takes turns among all, with our cases as
 * `--extra`, on the data of `PEER_DATA`, task by task. Each task's rows in bench/results/loader.json and
 * docs/loader-speed.md are replaced when all of its cases have run, lost ones named; those of other tasks stay as they
 * are. A run of some peers only (`--peer`) is printed, and written to `--out FILE` if that is given. `--plan` prints the
 * cases and the estimated time only. The ratio is ours divided by theirs: above 1, ours is faster. Needs the peers' own
 * set-up, see DIR/setup.sh.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeDocs } from "./loader/docs-table.mjs";
import { settlePageCache } from "./loader/page-cache.mjs";
import { estimateSeconds, peerCases, runTask } from "./loader/run-task.mjs";
import { summarise, tableOf } from "./loader/summary.mjs";
import { prepareCase, TASKS } from "./peer-data.mjs";

const { values } = parseArgs({
  options: {
    peers: { type: "string" },
    data: { type: "string", default: process.env.PEER_DATA ?? "data" },
    tasks: { type: "string", default: "." },
    peer: { type: "string", default: "." },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    retry: { type: "string", default: "1" },
    lock: { type: "string" },
    out: { type: "string" },
    plan: { type: "boolean", default: false },
  },
});
if (values.peers === undefined) {
  console.error("usage: node bench/loader.mjs --peers DIR, the folder of run.py");
  process.exit(2);
}

const here = fileURLToPath(new URL(".", import.meta.url));
const results = resolve(values.out ?? join(here, "results", "loader.json"));
/** Rows of one task are always of one run of all its cases. */
const isKept = values.out !== undefined || values.peer === ".";
const data = resolve(values.data);
const python = process.env.PEER_PYTHON ?? "python3";
const chosen = [...TASKS.keys()].filter((task) => new RegExp(values.tasks, "u").test(task));

function command(task, ...more) {
  const parts = [process.execPath, join(here, "peer-case.mjs"), task, "--data", data, ...more];
  return parts.map((part) => `'${part}'`).join(" ");
}

/** Our cases of a task, as run.py takes them. */
function extrasOf(task) {
  const extras = [command(task, "--columns"), command(task, "--workers", "1")];
  return task.startsWith("jpeg") ? [...extras, command(task, "--seekable", "--columns")] : extras;
}

/** What is there from before, by task. */
function earlier() {
  try {
    return JSON.parse(readFileSync(results, "utf8")).tasks ?? [];
  } catch {
    return [];
  }
}

const known = new Map(earlier().map((one) => [one.task, one]));
const runs = chosen.map((task) => ({
  task,
  script: join(resolve(values.peers), "run.py"),
  python,
  data,
  peers: values.peer,
  extras: extrasOf(task),
  rounds: values.rounds,
  retry: values.retry,
  seconds: values.seconds,
  lock: values.lock,
}));

/** Estimated seconds of a task, from what its cases took the last time with as many seconds each. */
function estimate(run) {
  const before = known.get(run.task);
  return estimateSeconds(run, before?.seconds === Number(run.seconds) ? (before.caseSeconds ?? undefined) : undefined);
}

const minutes = (seconds) => `${(seconds / 60).toFixed(1)} min`;
const total = runs.reduce((sum, run) => sum + estimate(run), 0);
console.error(`${runs.length} tasks, about ${minutes(total)}`);
if (values.plan)
  for (const run of runs) {
    const cases = [...peerCases(run), ...run.extras.map((extra) => `${run.task} ${extra}`)];
    console.log(`${run.task}: ${cases.length} cases, about ${minutes(estimate(run))}\n  ${cases.join("\n  ")}`);
  }

async function measureTask(run, secondsAfter) {
  const { task, extras, rounds, seconds } = run;
  for (const isSeekable of task.startsWith("jpeg") ? [false, true] : [false])
    await prepareCase(TASKS.get(task), { data, format: "hdf5", isSeekable });
  settlePageCache({ data, task, python });
  const load = Number(loadavg()[0].toFixed(2));
  const cases = (peerCases(run).length + extras.length) * Number(rounds);
  const startedAt = performance.now();
  let done = 0;
  const { rows, failed } = await runTask(run, (row) => {
    done++;
    const spent = (performance.now() - startedAt) / 1000;
    const left = (spent / done) * (cases - done) + secondsAfter;
    const speed = String(row.img_per_s ?? row.skipped);
    console.error(`${task} ${done}/${cases} ${String(row.peer)}: ${speed}; about ${minutes(left)} left`);
  });
  // Waiting for a lock is nothing that a case takes.
  const caseSeconds =
    values.lock === undefined ? Number(((performance.now() - startedAt) / 1000 / cases).toFixed(1)) : null;
  const { cpu, date } = rows[0] ?? { cpu: "", date: "" };
  const peers = summarise(rows);
  return {
    task,
    date,
    cpu,
    node: process.version,
    load,
    rounds: Number(rounds),
    seconds: Number(seconds),
    caseSeconds,
    peers,
    failed,
  };
}

function save() {
  const tasks = [...TASKS.keys()].flatMap((task) => known.get(task) ?? []);
  if (!isKept) return tasks;
  mkdirSync(join(results, ".."), { recursive: true });
  writeFileSync(results, `${JSON.stringify({ bench: "loader", tasks }, null, 2)}\n`);
  if (values.out === undefined) writeDocs("loader", tableOf(tasks));
  return tasks;
}

if (!values.plan) {
  let left = total;
  for (const run of runs) {
    left -= estimate(run);
    known.set(run.task, await measureTask(run, left));
    save();
  }
  console.log(tableOf(save().filter(({ task }) => chosen.includes(task))));
}
