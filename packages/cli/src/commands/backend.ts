import type { BackendListing, InstallProgress, TensorflowInstallReport } from "@millrace/train/install";
import type { CommandModule } from "yargs";
import { switchFlag, textFlag } from "../flag.js";
import { print, printJson, type Io } from "../io.js";
import { createProgress, type Progress } from "../progress.js";
import { formatTable } from "../table.js";

interface BackendFlags {
  readonly cache?: string;
  readonly json: boolean;
}

interface InstallFlags extends BackendFlags {
  readonly cuda: boolean;
  readonly wheel?: readonly string[];
  readonly keepWheels: boolean;
  readonly quiet: boolean;
}

/** `millrace backend`: which backends work here, and TensorFlow's native part. */
export function backendCommand(io: Io): CommandModule {
  return {
    command: "backend <command>",
    describe: "Install the native part of TensorFlow; list the backends and whether they work here",
    builder: (yargs) =>
      yargs
        .command(installCommand(io))
        .command(listCommand(io))
        .demandCommand(1, "name a command: install tensorflow, or list")
        .example("$0 backend install tensorflow", "Libraries for the CPU, 0.2 GB to download")
        .example("$0 backend list", "What works here, and why the rest does not"),
    handler: () => undefined,
  };
}

function installCommand(io: Io): CommandModule {
  return {
    command: "install <backend>",
    describe: "Give @tensorflow/tfjs-node-gpu its native part; run again, it does only what is missing",
    builder: (yargs) =>
      yargs
        .positional("backend", { choices: ["tensorflow"], demandOption: true, describe: "The backend to install" })
        .option("cuda", switchFlag("Libraries with CUDA 12 for NVIDIA GPUs: 3.4 GB to download, 5.3 GB on disk"))
        .option("wheel", {
          ...textFlag("A wheel that is here already, or a folder of wheels; may be repeated"),
          array: true,
        })
        .option("cache", textFlag("Folder for the libraries; default $MILLRACE_CACHE, else ~/.cache/millrace"))
        .option("keep-wheels", switchFlag("Keep what was downloaded, in the cache's folder wheels"))
        .option("json", switchFlag("Print one JSON document"))
        .option("quiet", { ...switchFlag("No progress"), alias: "q" })
        .example("$0 backend install tensorflow", "Download, check, unpack, link, try")
        .example("$0 backend install tensorflow --cuda", "The same with CUDA")
        .example("$0 backend install tensorflow --wheel downloads/", "Without network"),
    handler: async (args) => {
      const { installTensorflow } = await import("@millrace/train/install");
      const { cuda, wheel = [], cache, keepWheels, json, quiet } = args as unknown as InstallFlags;
      using shown = new Shown(io, quiet || json);
      const { signal } = io;
      const onProgress = (event: InstallProgress): void => shown.show(event);
      const report = await installTensorflow({ cuda, wheels: wheel, cache, keepWheels, signal, onProgress });
      shown.stop();
      if (json) printJson(io, report);
      else print(io, textOf(report));
    },
  };
}

function textOf(report: TensorflowInstallReport): string {
  const { version, isGpu, numThreads } = report.tensorflow;
  const device = isGpu ? "on a GPU" : `on the CPU, ${numThreads} thread${numThreads === 1 ? "" : "s"}`;
  const done = report.did.length === 0 ? "nothing was missing; " : "";
  const lines = [`${report.package}: ${done}TensorFlow ${version} computes ${device}`];
  if (report.noGpu !== undefined) lines.push(`CUDA libraries are installed, no GPU seen: ${report.noGpu}`);
  return lines.join("\n");
}

/** Progress of one download after the other, and lines between them. */
class Shown implements Disposable {
  #what = "";
  #progress: Progress | undefined;

  constructor(
    readonly io: Io,
    readonly quiet: boolean,
  ) {}

  show(event: InstallProgress): void {
    if (event.kind === "done") {
      this.stop();
      if (!this.quiet) this.io.stderr.write(`${event.text}\n`);
      return;
    }
    if (event.what !== this.#what) {
      this.stop();
      this.#progress = createProgress(this.io, `${event.what} (MB)`, this.quiet);
      this.#what = event.what;
    }
    this.#progress?.update(Math.floor(event.bytes / 1e6), Math.ceil(event.totalBytes / 1e6));
  }

  stop(): void {
    this.#progress?.stop();
    this.#progress = undefined;
    this.#what = "";
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

function listCommand(io: Io): CommandModule {
  return {
    command: "list",
    describe: "Try every backend and say what it is, or why it cannot be used",
    builder: (yargs) =>
      yargs
        .option("cache", textFlag("Folder of the libraries; default $MILLRACE_CACHE, else ~/.cache/millrace"))
        .option("json", switchFlag("Print one JSON document"))
        .example("$0 backend list", "A table, best first")
        .example("$0 backend list --json", "The same for programs"),
    handler: async (args) => {
      const { listBackends } = await import("@millrace/train/install");
      const { cache, json } = args as unknown as BackendFlags;
      const listing = await listBackends(cache);
      if (json) printJson(io, listing);
      else print(io, tableOf(listing));
    },
  };
}

function tableOf(listing: readonly BackendListing[]): string {
  const header = ["backend", "usable", "device", "threads", "TensorFlow.js", "library", "addon"];
  const rows = listing.map((one) => [
    one.name,
    one.isUsable ? "yes" : "no",
    one.device ?? "-",
    String(one.numThreads ?? "-"),
    one.tfjsVersion ?? "-",
    one.libraryVersion ?? "-",
    one.addon ?? "-",
  ]);
  const notes = listing.flatMap(({ name, isUsable, reason, fix, home }) => [
    ...(isUsable ? [] : [`${name}: ${[reason, fix].filter((text) => text !== undefined).join("; ")}`]),
    ...(home === undefined
      ? []
      : [`${name}: libraries are in ${home}; after npm ci, install again (no network needed)`]),
  ]);
  return [formatTable(header, rows), ...notes].join("\n");
}
