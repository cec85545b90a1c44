/**
 * What a bench line is, and how candidates are compared: they take turns in one run, so that whatever else the machine
 * does meets them alike, after rounds to warm up. Ratios are theirs divided by ours of the same round, and their median:
 * above 1, ours is faster.
 */

/**
 * @typedef {{ median: number, low: number, high: number }} Spread median and quartiles
 * @typedef {() => number | Promise<number>} Candidate does the work once and returns how long it took, in milliseconds
 * @typedef {object} Line one line of the table
 * @property {string} id `gather hdf5 contiguous, h5py fancy`: unique
 * @property {string} what
 * @property {string} against
 * @property {string} unit of ours and theirs
 * @property {Spread} ours
 * @property {Spread | null} theirs
 * @property {number | null} ratio
 * @property {Spread | null} ratios
 * @property {string} bar what it should be, in words
 * @property {boolean | null} met
 */

/** @param {readonly number[]} values @returns {Spread} */
export function spreadOf(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (fraction) => {
    const place = fraction * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
    return below + (above - below) * (place % 1);
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

/** Runs a synchronous or asynchronous job and returns its milliseconds. @param {() => unknown} job */
export async function timed(job) {
  const start = performance.now();
  await job();
  return performance.now() - start;
}

/**
 * The milliseconds of each candidate in each round.
 * @param {ReadonlyMap<string, Candidate>} candidates
 * @param {{ rounds: number, warmUp?: number }} options
 * @returns {Promise<Map<string, number[]>>}
 */
export async function takeTurns(candidates, { rounds, warmUp = Math.min(3, rounds) }) {
  const times = new Map([...candidates.keys()].map((name) => [name, []]));
  for (let round = -warmUp; round < rounds; round++)
    for (const [name, run] of candidates) {
      const ms = await run();
      if (round >= 0) times.get(name).push(ms);
    }
  return times;
}

/**
 * @param {object} entry
 * @param {string} entry.id
 * @param {string} entry.what
 * @param {string} entry.against
 * @param {readonly number[]} entry.ours
 * @param {readonly number[]} [entry.theirs] of the same rounds
 * @param {number} [entry.scale] divides all values, which then are of `unit`
 * @param {string} [entry.unit]
 * @param {number} [entry.minRatio] the bar, if it is one of the ratio
 * @param {number} [entry.maxOurs] the bar, if it is one of our own value
 * @returns {Line}
 */
export function lineOf({ id, what, against, ours, theirs, scale = 1, unit = "ms", minRatio, maxOurs }) {
  const scaled = (values) => spreadOf(values.map((value) => value / scale));
  const ratios = theirs === undefined ? null : spreadOf(ours.map((ms, round) => theirs[round] / ms));
  const own = scaled(ours);
  const met =
    minRatio !== undefined && ratios !== null
      ? ratios.median >= minRatio
      : maxOurs === undefined
        ? null
        : own.median <= maxOurs;
  const bar = minRatio !== undefined ? `>= ${minRatio}` : maxOurs === undefined ? "" : `<= ${maxOurs} ${unit}`;
  const other = theirs === undefined ? null : scaled(theirs);
  return { id, what, against, unit, ours: own, theirs: other, ratio: ratios?.median ?? null, ratios, bar, met };
}
