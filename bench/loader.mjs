/**
 * `node bench/loader.mjs --peers DIR [--tasks REGEX] [--seconds 5] [--rounds 3] [--peer REGEX]`: the loader against its
 * peers. Runs DIR/run.py, which takes turns among all, with our cases as `--extra`, on the data of `PEER_DATA`; writes
 * bench/results/loader.json, and the table of docs/loader-speed.md with every row, lost ones too. The ratio is ours
 * divided by theirs: above 1, ours is faster. Needs the peers' own set-up, see DIR/setup.sh.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { TASKS } from "./peer-data.mjs";

const { values } = parseArgs({
  options: {
    peers: { type: "string" },
    data: { type: "string", default: process.env.PEER_DATA ?? "data" },
    tasks: { type: "string", default: "." },
    peer: { type: "string", default: "." },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
  },
});
if (values.peers === undefined) {
  console.error("usage: node bench/loader.mjs --peers DIR, the folder of run.py");
  process.exit(2);
}

const here = fileURLToPath(new URL(".", import.meta.url));
const results = join(here, "results");
const data = resolve(values.data);
const tasks = [...TASKS.keys()].filter((task) => new RegExp(values.tasks, "u").test(task));

function command(task, ...more) {
  const parts = [process.execPath, join(here, "peer-case.mjs"), task, "--data", data, ...more];
  return parts.map((part) => `'${part}'`).join(" ");
}

/** Our cases, as run.py takes them. */
function extras() {
  return tasks.flatMap((task) => {
    const all = [command(task, "--columns"), command(task, "--workers", "1")];
    if (task.startsWith("jpeg")) all.push(command(task, "--seekable", "--columns"));
    return all.flatMap((line) => ["--extra", `${task}=${line}`]);
  });
}

function runPeers() {
  const out = join(results, "loader.jsonl");
  rmSync(out, { force: true });
  mkdirSync(results, { recursive: true });
  const only = `^(${tasks.join("|")})$`;
  const args = ["--data", data, "--tasks", only, "--peers", values.peer, "--rounds", values.rounds];
  const python = process.env.PEER_PYTHON ?? "python3";
  const script = join(resolve(values.peers), "run.py");
  const run = spawnSync(python, [script, ...args, "--seconds", values.seconds, "--out", out, ...extras()], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (run.status !== 0) process.exit(run.status ?? 1);
  const rows = readFileSync(out, "utf8").trim().split("\n");
  rmSync(out);
  return rows.map((line) => JSON.parse(line));
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** One row for each peer of each task: the medians of its rounds. */
function summarise(rows) {
  return tasks.flatMap((task) => {
    const ofTask = rows.filter((row) => row.task === task && row.img_per_s !== undefined);
    const peers = [...new Set(ofTask.map((row) => row.peer))].map((peer) => {
      const own = ofTask.filter((row) => row.peer === peer);
      const of = (name) => median(own.map((row) => row[name]));
      return {
        task,
        peer,
        rounds: own.length,
        imgPerSec: of("img_per_s"),
        cpuUsPerImage: Math.round(median(own.map((row) => (row.cpu_s / row.images) * 1e6)) * 10) / 10,
        peakRssMiB: of("peak_rss_mb"),
        foreignFraction: Math.max(...own.map((row) => row.foreign_run ?? 0)),
        firstEpochImgPerSec: of("first_epoch_img_per_s"),
        alwaysImgPerSec: of("always_img_per_s"),
        version: own[0].version ?? "",
      };
    });
    return peers.toSorted((a, b) => b.imgPerSec - a.imgPerSec);
  });
}

/** Markdown: for each task all peers, the fastest first, and our ratio to each. */
function tableOf(summary) {
  const lines = [
    "# The loader against its peers",
    "",
    "Made by `node bench/loader.mjs`; two workers (`w2`) unless a name says otherwise. `ours / theirs` compares `millrace w2`,",
    "on files that are not seekable, with each row. FFCV's file holds JPEGs that were encoded anew and are easier to decode;",
    "its random crop, of which FFCV has none, is a generic operator of the bench. Only the ratios mean anything, and in one",
    "round those to FFCV vary by a third.",
    "",
  ];
  for (const task of tasks) {
    const rows = summary.filter((row) => row.task === task);
    const ours = Math.max(...rows.filter((row) => row.peer.startsWith("millrace w2")).map((row) => row.imgPerSec));
    lines.push(
      `## ${task}`,
      "",
      "| peer | img/s | ours / theirs | CPU us an image | first epoch | checks always | MiB |",
    );
    lines.push("| --- | --: | --: | --: | --: | --: | --: |");
    for (const row of rows) {
      const cells = [row.peer, row.imgPerSec, (ours / row.imgPerSec).toFixed(2), row.cpuUsPerImage];
      const more = [row.firstEpochImgPerSec, row.alwaysImgPerSec, row.peakRssMiB].map((value) => value ?? "–");
      lines.push(`| ${[...cells, ...more].join(" | ")} |`);
    }
    lines.push("");
  }
  return lines.join("\n");
}

const rows = runPeers();
const summary = summarise(rows);
const { cpu, date } = rows[0] ?? {};
writeFileSync(
  join(results, "loader.json"),
  `${JSON.stringify({ cpu, date, node: process.version, summary }, null, 2)}\n`,
);
writeFileSync(join(here, "..", "docs", "loader-speed.md"), tableOf(summary));
console.log(tableOf(summary));
