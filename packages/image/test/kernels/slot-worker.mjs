// Fills every slot of its share with its own kernels, again and again, on a memory that other threads use too.
import { parentPort, workerData } from "node:worker_threads";
import { createKernels } from "@millrace/image";

const { memory, scratch, jobs, rounds } = workerData;
const kernels = createKernels(memory, scratch);
for (let round = 0; round < rounds; round++) for (const job of jobs) kernels.resample(job);
parentPort.postMessage(kernels.name, []);
