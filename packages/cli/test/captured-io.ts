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

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Runs `millrace` with these arguments in this process. */
export async function millrace(...args: string[]): Promise<Outcome> {
  const stdout = new Capture();
  const stderr = new Capture();
  const io: Io = { stdout, stderr, signal: new AbortController().signal };
  const code = await main(args, io);
  return { code, stdout: stdout.text, stderr: stderr.text };
}
