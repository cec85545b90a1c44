/**
 * `node bench/orders.mjs` measures what an order costs: nanoseconds of CPU time to bind it and to find the sample of a
 * position, for 10^3 to 10^7 samples, and each as a ratio to that of 10^3 samples. Positions are taken in turn, as a
 * loader does, and at random. Rounds of the lengths alternate; the median of them counts.
 */
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
const ROUNDS = 7;

/** @type {readonly [name: string, make: (length: number) => Order][]} */
const ORDERS = [
  ["sequential", () => sequential()],
  ["shuffle", () => shuffle()],
  ["blockShuffle", () => blockShuffle()],
  ["weighted", (length) => weighted({ weights: new Float64Array(length).fill(1) })],
  ["classBalanced", () => classBalanced()],
  ["filter", () => filter({ labels: [1, 2, 3] })],
];

/**
 * @param {readonly number[]} values
 */
function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/**
 * Nanoseconds of CPU time of this process.
 *
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
 * @param {string} name
 * @param {(length: number) => Order} make
 */
function measure(name, make) {
  const cases = LENGTHS.map((length) => {
    const order = make(length);
    const labels = Int32Array.from({ length }, (_, sample) => sample % 10);
    const bind = () => bindOrder(order, length, { labels });
    return { length, bind, bound: bind(), binding: [], turn: [], random: [] };
  });
  for (let round = 0; round < ROUNDS; round++) {
    for (const one of cases) {
      const { bound } = one;
      const start = Math.floor((round / ROUNDS) * bound.length);
      one.binding.push(cost(() => (sink += one.bind().length)));
      one.turn.push(
        cost(() => {
          for (let i = 0; i < CALLS; i++) sink += bound.at(round, (start + i) % bound.length);
        }) / CALLS,
      );
      one.random.push(
        cost(() => {
          for (let i = 0; i < CALLS; i++) sink += bound.at(round, (i * 2_654_435_761) % bound.length);
        }) / CALLS,
      );
    }
  }
  for (const kind of /** @type {const} */ (["turn", "random"])) {
    const ns = cases.map((one) => median(one[kind]));
    const text = ns.map((value) => `${value.toFixed(0)} ns (${(value / ns[0]).toFixed(2)})`);
    console.log(`${name.padEnd(14)} ${kind.padEnd(7)} ${text.map((t) => t.padStart(15)).join(" ")}`);
  }
  const ms = cases.map((one) => `${(median(one.binding) / 1e6).toFixed(2)} ms`.padStart(15));
  console.log(`${name.padEnd(14)} bind    ${ms.join(" ")}`);
}

console.log(`${" ".repeat(22)} ${LENGTHS.map((length) => length.toExponential(0).padStart(15)).join(" ")}`);
for (const [name, make] of ORDERS) measure(name, make);
if (sink < 0) console.log(sink);
