import { BackendError, isMillraceError, OptionError } from "@millrace/formats";
import { type Backend, BACKEND_NAMES, type BackendName } from "./backend.js";
import { openCpu } from "./cpu.js";
import { openTensorflow } from "./tensorflow.js";
import { probeTensorflow } from "./tensorflow-probe.js";
import { openWasm } from "./wasm.js";

/** What {@link selectBackend} may be told. */
export interface BackendOptions {
  /**
   * Threads for one operation on the CPU, `tensorflow` only. Default: as many as the process may use cores. TensorFlow
   * settles it when it is first opened in a process.
   */
  readonly numThreads?: number;
  /** How long the child process that tries a native library may take, in ms. Default 60,000. */
  readonly probeTimeoutMs?: number;
}

/** A backend that was not taken, and why. */
export interface PassedOver {
  /** In words: `tensorflow on a GPU`. */
  readonly what: string;
  /** One sentence. */
  readonly reason: string;
}

/** The outcome of {@link selectBackend}. */
export interface Selection {
  readonly backend: Backend;
  /** The better ones that were tried before it, best first. Empty if a backend was asked for by name. */
  readonly passedOver: readonly PassedOver[];
}

/**
 * Opens a backend. `auto` takes the fastest that works here: `tensorflow` on a GPU, `tensorflow` on the CPU, `wasm`,
 * `cpu`. A native library is tried in a child process first, for it can end the process that loads it.
 * @throws {@link BackendError} if the backend asked for does not work here; the text says why.
 * @throws {@link OptionError} if there is no such backend, or an option is impossible.
 */
export async function selectBackend(choice: "auto" | BackendName, options: BackendOptions = {}): Promise<Selection> {
  checkOptions(choice, options);
  if (choice !== "auto") return { backend: await openNamed(choice, options), passedOver: [] };
  const passedOver: PassedOver[] = [];
  const probe = await probeTensorflow({ timeoutMs: options.probeTimeoutMs });
  if (!probe.usable) passedOver.push({ what: "tensorflow", reason: probe.reason });
  else if (!probe.isGpu)
    passedOver.push({
      what: "tensorflow on a GPU",
      reason: `TensorFlow ${probe.version} finds no GPU that it can use`,
    });
  const ways = [
    ...(probe.usable ? [{ name: "tensorflow", open: () => openTensorflow(options.numThreads) }] : []),
    { name: "wasm", open: openWasm },
  ];
  for (const { name, open } of ways) {
    try {
      return { backend: await open(), passedOver };
    } catch (error) {
      passedOver.push({ what: name, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { backend: await openCpu(), passedOver };
}

async function openNamed(name: BackendName, options: BackendOptions): Promise<Backend> {
  if (name === "cpu") return openCpu();
  if (name === "wasm") return openWasm();
  const probe = await probeTensorflow({ timeoutMs: options.probeTimeoutMs });
  if (!probe.usable)
    throw new BackendError({ problem: `the backend tensorflow does not work here: ${probe.reason}`, fix: WAY_OUT });
  try {
    return await openTensorflow(options.numThreads);
  } catch (cause) {
    if (isMillraceError(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BackendError({ problem: `the backend tensorflow does not start: ${reason}`, fix: WAY_OUT, cause });
  }
}

const WAY_OUT = "run millrace backend install tensorflow, or choose the backend wasm";

function checkOptions(choice: string, options: BackendOptions): void {
  const { numThreads, probeTimeoutMs } = options;
  if (choice !== "auto" && !(BACKEND_NAMES as readonly string[]).includes(choice))
    throw impossible("backend", "no such backend", `auto, ${BACKEND_NAMES.join(", ")}`, choice);
  if (numThreads !== undefined && !(Number.isInteger(numThreads) && numThreads > 0))
    throw impossible("numThreads", "impossible number of threads", "an integer from 1 up", String(numThreads));
  if (probeTimeoutMs !== undefined && !(Number.isFinite(probeTimeoutMs) && probeTimeoutMs > 0))
    throw impossible("probeTimeoutMs", "impossible time limit", "a number above 0", String(probeTimeoutMs));
}

function impossible(option: string, problem: string, expected: string, found: string): OptionError {
  return new OptionError({ option, problem, expected, found });
}
