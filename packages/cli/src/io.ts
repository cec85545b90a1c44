import type { Writable } from "node:stream";

/** Where a command reads its end from and writes to: data on stdout, everything else on stderr. */
export interface Io {
  readonly stdout: Writable;
  readonly stderr: Writable & { readonly isTTY?: boolean };
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Writes a line of data to stdout. */
export function print(io: Io, text: string): void {
  io.stdout.write(`${text}\n`);
}

/** Writes one JSON document to stdout. */
export function printJson(io: Io, value: unknown): void {
  print(io, JSON.stringify(value, null, 2));
}
