// Run by listBackends in a process of its own: opens the backend that is named, multiplies two matrices, answers.
import type { BackendName } from "./backend.js";
import { selectBackend } from "./select-backend.js";
import type { TrialAnswer } from "./list-backends.js";

async function tryBackend(name: BackendName): Promise<TrialAnswer> {
  await using backend = (await selectBackend(name)).backend;
  const { tf } = backend;
  const [entry] = await tf.matMul(tf.ones([64, 64]), tf.ones([64, 64])).data();
  if (entry !== 64) return { name, reason: `the product of two 64 x 64 matrices of ones has ${entry}, not 64` };
  return { name, device: backend.device, tfjsVersion: tf.version_core };
}

for (const name of process.argv.slice(2) as BackendName[]) {
  const answer = await tryBackend(name).catch((error: Error): TrialAnswer => ({ name, reason: error.message }));
  await new Promise((resolve) => process.send?.(answer, resolve));
}
process.exit(0);
