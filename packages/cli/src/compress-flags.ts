import { OptionError } from "@millrace/formats";
import type { Argv } from "yargs";
import { switchFlag, numberFlag, textFlag } from "./flag.js";
import { loadingFlags, type TrainingFlags } from "./training-flags.js";

/** The flags of `millrace compress`. */
export function compressFlags(yargs: Argv): Argv {
  const flags = yargs
    .positional("model", { type: "string", demandOption: true, describe: "Folder with a model.json, or that file" })
    .option("dataset", {
      ...textFlag("Folder with a dataset.json: split train to fine-tune on, val to measure on"),
      demandOption: true,
    })
    .option("max-accuracy-drop", {
      ...numberFlag("Accuracy that may be lost, as a share of all samples: 0.01 is one point"),
      demandOption: true,
    })
    .option("out", textFlag("New or empty folder for the result (default: the model's folder with -compressed)"))
    .option("filters", textFlag("Shares of filters that stay, as a list (default: 1,0.5,0.35)"))
    .option("sparsity", textFlag("Shares of weights that become zero, as a list (default: 0,0.8,0.9,0.95)"))
    .option("bits", textFlag("Bits of a weight, as a list of 32, 16, 8 to 4 (default: 8,5,4)"))
    .option("ignore", textFlag("Layers that stay as they are, as a list of names"))
    .option("epochs", { ...numberFlag("Passes over the split train after each pruning"), default: 1 })
    .option(
      "exhaustive",
      switchFlag("Try also what cannot become the smallest, to see what each point of accuracy costs"),
    )
    .option("speed-seconds", { ...numberFlag("Time that measuring the speed of a model may take"), default: 1 })
    .option("link", {
      ...switchFlag("Measure what the smaller model asks of the loader; --no-link: do not"),
      default: true,
    });
  return loadingFlags(flags);
}

/** The values of {@link compressFlags}. */
export interface CompressFlags extends Omit<TrainingFlags, "activation"> {
  readonly maxAccuracyDrop: number;
  readonly out: string | undefined;
  readonly filters: string | undefined;
  readonly sparsity: string | undefined;
  readonly bits: string | undefined;
  readonly ignore: string | undefined;
  readonly epochs: number;
  readonly exhaustive: boolean;
  readonly speedSeconds: number;
  readonly link: boolean;
}

/**
 * The numbers of a list such as `0.8,0.9`; `undefined` for a flag that was not given.
 * @throws OptionError for what is no number.
 */
export function numbersOf(option: string, text: string | undefined): number[] | undefined {
  return wordsOf(text)?.map((word) => {
    const value = word === "" ? Number.NaN : Number(word);
    if (Number.isFinite(value)) return value;
    throw new OptionError({ option, problem: "is no list of numbers", expected: "0.8,0.9", found: text });
  });
}

/** The words of a list; `undefined` for a flag that was not given. */
export function wordsOf(text: string | undefined): string[] | undefined {
  return text?.split(",").map((word) => word.trim());
}
