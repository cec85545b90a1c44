/**
 * `node bench/orders.mjs [--rounds 3]`: what an order and opening cost, for 10^3 to 10^7 samples. Of an order: the CPU
 * time to bind it and to find the sample of a position, positions taken in turn, as a loader does, and at random, and
 * each as a ratio to that of 10^3 samples. Of a data set of pixels, whose shards are all the same file: the time to open
 * a loader of two workers and to its first batch, in a process of its own. Lengths take turns; the median of the rounds
 * counts. Writes bench/results/orders.json and the tables of docs/loader-speed.md.
 */
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { markdownTable, writeDocs } from "./loader/docs-table.mjs";
import { bundleWorker } from "../scripts/bundle-worker.mjs";
import { measureOpening } from "./orders/opening.mjs";
import {
  bindOrder,
  blockShuffle,
  classBalanced,
  filter,
  sequential,
  shuffle,
  weighted,
} from "../packages/loader/dist/index.js";

/** @typedef {import("../packages/loader/dist/index.js").Order} Order */

const LENGTHS = [1e3, 1e4, 1e5, 1e6, 1e7];
const CALLS = 50_000;
const WHAT = { turn: "in turn", random: "at random" };

const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" } } });
const ROUNDS = Number(values.rounds);

/** @type {readonly [name: string, make: (length: number) => Order][]} */
const ORDERS = [
  ["sequential", () => sequential()],
  ["shuffle", () => shuffle()],
  ["blockShuffle", () => blockShuffle()],
  ["weighted", (length) => weighted({ weights: new Float64Array(length).fill(1) })],
  ["classBalanced", () => classBalanced()],
  ["filter", () => filter({ labels: [1, 2, 3] })],
];

/** @param {readonly number[]} numbers */
function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}

/**
 * Nanoseconds of CPU time of this process.
 * @param {() => void} work
 */
function cost(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000;
}

let sink = 0;

/**
 * Lines of one order.
 * @param {string} name
 * @param {(length: number) => Order} make
 */
function measureOrder(name, make) {
  const cases = LENGTHS.map((length) => {
    const order = make(length);
    const labels = Int32Array.from({ length }, (_, sample) => sample % 10);
    const bind = () => bindOrder(order, length, { labels });
    return { length, bind, bound: bind(), binding: [], turn: [], random: [] };
  });
  // The first round compiles.
  for (let round = -1; round < ROUNDS; round++) {
    for (const one of cases) {
      const { bound } = one;
      const epoch = round + 1;
      const start = Math.floor((epoch / (ROUNDS + 1)) * bound.length);
      const binding = cost(() => (sink += one.bind().length));
      const turn = cost(() => {
        for (let i = 0; i < CALLS; i++) sink += bound.at(epoch, (start + i) % bound.length);
      });
      const random = cost(() => {
        for (let i = 0; i < CALLS; i++) sink += bound.at(epoch, (i * 2_654_435_761) % bound.length);
      });
      if (round < 0) continue;
      one.binding.push(binding);
      one.turn.push(turn / CALLS);
      one.random.push(random / CALLS);
    }
  }
  const of = (kind) => cases.map((one) => Number(median(one[kind]).toFixed(1)));
  return { order: name, turnNs: of("turn"), randomNs: of("random"), bindNs: of("binding") };
}

/** Markdown of the lines of {@link measureOrder}. @param {readonly ReturnType<typeof measureOrder>[]} lines */
function ordersTable(lines) {
  const header = ["order, a position", ...LENGTHS.map((length) => `10^${Math.log10(length)}`)];
  const rows = lines.flatMap(({ order, turnNs, randomNs, bindNs }) => [
    ...Object.entries({ turn: turnNs, random: randomNs }).map(([kind, ns]) => [
      `${order}, ${WHAT[kind]}`,
      ...ns.map((value) => `${value.toFixed(0)} ns (${(value / (ns[0] || 1)).toFixed(2)})`),
    ]),
    [`${order}, at opening`, ...bindNs.map((ns) => `${(ns / 1e6).toFixed(2)} ms`)],
  ]);
  return markdownTable(header, rows);
}

/** Markdown of opening. @param {Awaited<ReturnType<typeof measureOpening>>} lines */
function openingTable(lines) {
  const header = ["samples", "open, ms", "its CPU ms", "first batch, ms", "best round", "its CPU ms", "bar"];
  const bars = new Map([
    [1e5, "<= 300 ms"],
    [1.28e6, "<= 1000 ms"],
  ]);
  const rows = lines.map((line) => [
    line.samples.toLocaleString("en"),
    line.openMs,
    line.openCpuMs,
    line.firstBatchMs,
    line.firstBatchBestMs,
    line.firstBatchCpuMs,
    bars.get(line.samples) ?? "",
  ]);
  return markdownTable(header, rows);
}

const load = Number(loadavg()[0].toFixed(2));
// As in published packages.
await bundleWorker();
const opening = await measureOpening(ROUNDS);
console.log(openingTable(opening));
const orders = ORDERS.map(([name, make]) => measureOrder(name, make));
console.log(ordersTable(orders));
if (sink < 0) console.log(sink);
const date = new Date().toISOString().slice(0, 10);
const machine = { date, cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, load };
const results = new URL("results/orders.json", import.meta.url);
const content = { bench: "orders", ...machine, rounds: ROUNDS, lengths: LENGTHS, opening, orders };
writeFileSync(results, `${JSON.stringify(content, null, 2)}\n`);
writeDocs(
  "orders",
  [
    `${date}, ${machine.cores} cores of ${machine.cpu}, Node ${machine.node}, load before it ${load}. Shards of 1000 samples.`,
    openingTable(opening),
    "CPU time, and its ratio to that of 10^3 samples:",
    ordersTable(orders),
  ].join("\n\n"),
);
