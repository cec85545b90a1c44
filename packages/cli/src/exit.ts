import { isMillraceError } from "@millrace/formats";

/** Thrown inside the command line when the flags themselves are wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The signals that end a run in good order. */
export type EndingSignal = "SIGINT" | "SIGTERM";

/** The reason of the abort signal when a process signal ended the run. */
export class EndingSignalError extends Error {
  override readonly name = "EndingSignalError";

  constructor(readonly signal: EndingSignal) {
    super(`stopped by ${signal}`);
  }
}

/**
 * The exit code of an error: 2 usage, 3 data, 4 the run, 130 SIGINT, 143 SIGTERM, 1 a defect of millrace.
 */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return 2;
  if (error instanceof EndingSignalError) return error.signal === "SIGINT" ? 130 : 143;
  return isMillraceError(error) ? error.exitCode : 1;
}

/** What is printed for an error: its message; for a defect, the stack, since only that helps to mend it. */
export function errorText(error: unknown): string {
  if (exitCodeOf(error) !== 1) return `millrace: ${(error as Error).message}`;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `millrace: this is a defect of millrace, please report it\n${stack}`;
}
