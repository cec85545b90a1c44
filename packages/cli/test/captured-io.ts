import { main, type Io } from "millrace";
import { Writable } from "node:stream";

/** What a command line printed and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

class Capture extends Writable {
  text = "";

  constructor(readonly onWrite: (() => void) | undefined) {
    super();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.onWrite?.();
    done();
  }
}

/** Runs `millrace` with these arguments in this process. */
export async function millrace(...args: string[]): Promise<Outcome> {
  return await millraceWatched({}, ...args);
}

/** The same, told of all that is written, at once. */
export async function millraceWatched(
  on: { readonly stdout?: () => void; readonly stderr?: () => void },
  ...args: string[]
): Promise<Outcome> {
  const stdout = new Capture(on.stdout);
  const stderr = new Capture(on.stderr);
  const io: Io = { stdout, stderr, signal: new AbortController().signal };
  const code = await main(args, io);
  return { code, stdout: stdout.text, stderr: stderr.text };
}
