import yargs, { type CommandModule } from "yargs";
import { backendCommand } from "./commands/backend.js";
import { compressCommand } from "./commands/compress.js";
import { convertCommand } from "./commands/convert.js";
import { headCommand } from "./commands/head.js";
import { inspectCommand } from "./commands/inspect.js";
import { profileCommand } from "./commands/profile.js";
import { sweepCommand } from "./commands/sweep.js";
import { trainCommand } from "./commands/train.js";
import { verifyCommand } from "./commands/verify.js";
import { errorText, exitCodeOf, UsageError } from "./exit.js";
import type { Io } from "./io.js";
import { VERSION } from "./version.js";

/** Every command, one a file; each imports what it needs when it runs, so `--help` is quick. */
const COMMANDS: readonly ((io: Io) => CommandModule)[] = [
  convertCommand,
  inspectCommand,
  headCommand,
  verifyCommand,
  trainCommand,
  sweepCommand,
  profileCommand,
  compressCommand,
  backendCommand,
];

/**
 * Runs one command line, without the name of the program, and returns the exit code. Never throws and never ends the
 * process.
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const parser = yargs([...argv])
    .scriptName("millrace")
    .usage("$0 <command>\n\nKeep the GPU fed, and know what it waits for: convert, load, profile.")
    .version(VERSION)
    .strict()
    .locale("en")
    .demandCommand(1, "name a command: convert, inspect, head, verify, train, sweep, profile, compress or backend")
    .recommendCommands()
    .parserConfiguration({ "duplicate-arguments-array": false })
    .wrap(100)
    .exitProcess(false)
    .fail((message: string | undefined, error: Error | undefined) => {
      // yargs gives its own errors without a class that could be told apart.
      if (error !== undefined && error.name !== "YError") throw error;
      throw new UsageError(`${message ?? error?.message ?? "wrong usage"}; see millrace --help`);
    });
  for (const command of COMMANDS) parser.command(command(io));
  try {
    await parser.parseAsync([...argv], {}, (_error, _args, output) => {
      if (output !== "") io.stdout.write(`${output}\n`);
    });
    return 0;
  } catch (error) {
    io.stderr.write(`${errorText(error)}\n`);
    return exitCodeOf(error);
  }
}
