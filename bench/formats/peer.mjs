import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("peers.py", import.meta.url));

/** @typedef {{ run: (method: string, argument?: unknown) => Promise<number>, close: () => Promise<void> }} Peer */

/**
 * Starts a group of `peers.py` in its environment of `.oracles/`. `run` resolves to the milliseconds that Python counted.
 * @param {"h5py" | "pyarrow" | "tensorflow"} oracle
 * @param {string} group name of a function of `peers.py`
 * @param {string} path
 * @returns {Promise<Peer>}
 */
export async function startPeer(oracle, group, path) {
  const python = fileURLToPath(new URL(`../../.oracles/${oracle}/bin/python`, import.meta.url));
  if (!existsSync(python)) throw new Error(`${oracle} is not there: run node scripts/oracles.mjs ${oracle}`);
  const child = spawn(python, [PROGRAM, group, path], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`the peer ${group} of ${oracle} ended; its words stand above`);
    return value;
  };
  await answer();
  return {
    run: async (method, argument = null) => {
      child.stdin.write(`${method} ${JSON.stringify(argument)}\n`);
      return Number(await answer());
    },
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** One call of a peer that makes a file. */
export async function makeFile(oracle, group, path, method, argument) {
  const peer = await startPeer(oracle, group, path);
  await peer.run(method, argument);
  await peer.close();
}
