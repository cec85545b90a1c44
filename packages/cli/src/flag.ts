/** What yargs is told of a flag. */
interface Flag {
  readonly type: "string" | "number" | "boolean";
  readonly describe: string;
  /** A flag at the end of the line without its value is a mistake, not a default. */
  readonly requiresArg: boolean;
}

/** A flag with a text: `--format arrow`. */
export function textFlag(describe: string): Flag & { type: "string" } {
  return { type: "string", describe, requiresArg: true };
}

/** A flag with a number: `--size 224`. */
export function numberFlag(describe: string): Flag & { type: "number" } {
  return { type: "number", describe, requiresArg: true };
}

/** A flag that is there or not: `--json`. */
export function switchFlag(describe: string): Flag & { type: "boolean"; default: false } {
  return { type: "boolean", describe, requiresArg: false, default: false };
}
