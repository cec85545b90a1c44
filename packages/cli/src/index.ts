export { EndingSignalError, errorText, exitCodeOf, UsageError, type EndingSignal } from "./exit.js";
export type { Io } from "./io.js";
export { main } from "./main.js";
