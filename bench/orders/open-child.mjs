/** Opens a data set and takes the first batch, with two workers; prints what that took as JSON. */
import { normalize, openLoader, shuffle } from "../../packages/loader/dist/index.js";

const numbers = { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] };
const cpuMs = () => process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000;
const cpu = cpuMs();
const start = performance.now();
const loader = await openLoader(process.argv[2], {
  batchSize: 64,
  numWorkers: 2,
  order: shuffle({ seed: Number(process.argv[3]) }),
  transforms: [normalize(numbers)],
});
const openMs = performance.now() - start;
const openCpuMs = cpuMs() - cpu;
for await (const batch of loader) {
  const firstBatchMs = performance.now() - start;
  console.log(JSON.stringify({ openMs, openCpuMs, firstBatchMs, firstBatchCpuMs: cpuMs() - cpu, size: batch.size }));
  break;
}
await loader.close();
