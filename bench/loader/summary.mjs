/** The rows of bench/results/loader.json, and the table of docs/loader-speed.md. */
import { markdownTable } from "./docs-table.mjs";

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** One row for each peer: the medians of its rounds, the fastest first. @param {readonly Record<string, any>[]} rows */
export function summarise(rows) {
  const peers = [...new Set(rows.map((row) => row.peer))].map((peer) => {
    const own = rows.filter((row) => row.peer === peer);
    const of = (name) => median(own.map((row) => row[name]));
    return {
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
}

/** Of these the bench has no row of ours to compare with. */
const OURS = "millrace w2";
const SEEKABLE = "millrace seekable w2";

const ratio = (mine, row) => (mine === undefined ? "–" : (mine / row.imgPerSec).toFixed(2));

/** Markdown of one task: all peers and our ratio to each, and who gave no result. @param {Record<string, any>} task */
function sectionOf({ task, date, load, rounds, seconds, peers, failed }) {
  const speed = (name) => peers.find(({ peer }) => peer === name)?.imgPerSec;
  const [ours, seekable] = [speed(OURS), speed(SEEKABLE)];
  const header = ["peer", "img/s", "ours / theirs", ...(seekable === undefined ? [] : ["seekable / theirs"])];
  header.push("CPU us an image", "first epoch", "checks always", "MiB", "CPU of others");
  const rows = peers.map((row) => [
    row.peer,
    row.imgPerSec,
    ratio(ours, row),
    ...(seekable === undefined ? [] : [ratio(seekable, row)]),
    row.cpuUsPerImage,
    ...[row.firstEpochImgPerSec, row.alwaysImgPerSec, row.peakRssMiB].map((value) => value ?? "–"),
    `${Math.round(row.foreignFraction * 100)} %`,
  ]);
  const busy = load === null ? "" : `, load of the machine before it ${load}`;
  const made = `${date}${busy}; rounds: ${rounds}, at least ${seconds} s each.`;
  const none = failed.map(({ peer, reason }) => `- \`${peer}\` gave no result: ${reason.replaceAll(/[`|]/gu, "")}`);
  return [`### ${task}`, made, markdownTable(header, rows), ...(none.length > 0 ? [none.join("\n")] : [])].join("\n\n");
}

/** Markdown of all tasks. @param {readonly Record<string, any>[]} tasks */
export function tableOf(tasks) {
  return tasks.map(sectionOf).join("\n\n");
}
