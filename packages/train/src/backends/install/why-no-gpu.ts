import { BackendError } from "@millrace/formats";
import { driverProblem, readNvidiaDriver } from "./nvidia-driver.js";

/**
 * Says why TensorFlow with CUDA uses no GPU on a machine without a driver that could serve it.
 * @param listen - Tries TensorFlow once more and passes on what it logs.
 * @throws {@link BackendError} if there is such a driver: then something is wrong, and TensorFlow's log tells it.
 */
export async function whyNoGpu(
  env: NodeJS.ProcessEnv,
  root: string,
  listen: (onLog: (text: string) => void) => Promise<unknown>,
): Promise<string> {
  const driver = readNvidiaDriver(env, root);
  const problem = driverProblem(driver);
  if (problem !== undefined) return problem;
  let log = "";
  await listen((text) => (log += text));
  const version = driver.version === undefined ? "" : ` ${driver.version}`;
  throw new BackendError({
    problem: "CUDA libraries are installed, no GPU seen",
    reason: "no-gpu",
    found: `driver${version} (${driver.library}); TensorFlow says: ${reasonInLog(log)}`,
    fix: "check that nvidia-smi lists a GPU, and that CUDA_VISIBLE_DEVICES does not hide it",
  });
}

/** The warnings and errors about the GPU in a log of TensorFlow, without time and place in the source. */
function reasonInLog(log: string): string {
  const lines = log
    .split("\n")
    .filter((line) => / [EWF] |^[EWF]\d/u.test(line) && /cuda|gpu|cudnn|dlopen/iu.test(line));
  const texts = lines.map((line) => line.slice(line.indexOf("] ") + 2).trim());
  return texts.length === 0 ? "nothing" : [...new Set(texts)].slice(0, 3).join(" | ");
}
