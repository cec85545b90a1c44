import { EndingSignalError, type EndingSignal } from "./exit.js";

const SIGNALS = ["SIGINT", "SIGTERM"] as const satisfies EndingSignal[];

/**
 * A signal that aborts when the process is first told to end, with an {@link EndingSignalError} as its reason, so that
 * the job leaves good order behind. The second time ends the process at once, as if nobody listened.
 */
export function abortOnEndingSignals(): AbortSignal {
  const controller = new AbortController();
  const listen = (signal: EndingSignal): void => {
    if (controller.signal.aborted) {
      ignore();
      process.kill(process.pid, signal);
      return;
    }
    controller.abort(new EndingSignalError(signal));
    // Signals that came while a step held the thread arrive one after the other in this turn. Behind it the system ends
    // the process by itself, which no step can hold up.
    setImmediate(ignore);
  };
  const ignore = (): void => {
    for (const name of SIGNALS) process.off(name, listen);
  };
  for (const name of SIGNALS) process.on(name, listen);
  return controller.signal;
}
