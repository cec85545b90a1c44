#!/usr/bin/env node
import { abortOnEndingSignals } from "./ending-signals.js";
import { main } from "./main.js";

const signal = abortOnEndingSignals();
// A reader such as `head` that closes its end early is no failure: the job goes on, unheard, and decides the exit code.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}
process.exitCode = await main(process.argv.slice(2), { stdout: process.stdout, stderr: process.stderr, signal });
