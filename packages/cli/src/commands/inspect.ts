import { FORMAT_NAMES, type Dataset, type Field } from "@millrace/formats";
import type { CommandModule } from "yargs";
import { switchFlag, textFlag } from "../flag.js";
import { print, printJson, type Io } from "../io.js";
import { formatBytes, formatCount, formatTable } from "../table.js";

interface InspectFlags {
  readonly dataset: string;
  readonly format: string | undefined;
  readonly json: boolean;
}

/** `millrace inspect`: what a dataset holds. */
export function inspectCommand(io: Io): CommandModule {
  return {
    command: "inspect <dataset>",
    describe: "Show the schema, splits, classes and statistics of a dataset",
    builder: (yargs) =>
      yargs
        .positional("dataset", {
          type: "string",
          demandOption: true,
          describe: "Folder with a dataset.json, or one shard file",
        })
        .option("format", textFlag(`Format of a file whose extension does not tell it: ${FORMAT_NAMES.join(", ")}`))
        .option("json", switchFlag("Print one JSON document"))
        .example("$0 inspect shards/", "What is in there?")
        .example("$0 inspect shards/ --json | jq .splits", "The same for programs"),
    handler: async (args) => {
      const { openDataset, openFormat } = await import("@millrace/formats");
      const flags = args as unknown as InspectFlags;
      const format = flags.format === undefined ? undefined : (await openFormat(flags.format)).name;
      const dataset = await openDataset(flags.dataset, { format });
      if (flags.json) printJson(io, await summaryOf(dataset));
      else print(io, textOf(dataset, await summaryOf(dataset)));
      dataset.close();
    },
  };
}

interface Summary {
  readonly path: string;
  readonly format: string;
  readonly fingerprint: string;
  readonly schema: { readonly fields: readonly Field[] };
  readonly splits: readonly {
    name: string;
    samples: number;
    shards: number;
    bytes: number;
    classCounts: readonly number[];
  }[];
  readonly classes: readonly string[];
  readonly statistics: unknown;
  readonly provenance: unknown;
  /** How the loader reads each field: straight from the file, or through the format's library. */
  readonly routes: readonly { field: string; route: "pread" | "library"; why: string }[];
}

async function summaryOf(dataset: Dataset): Promise<Summary> {
  return {
    path: dataset.root,
    format: dataset.format,
    fingerprint: dataset.fingerprint,
    schema: dataset.schema,
    splits: dataset.splits.map((split) => ({
      name: split.name,
      samples: split.length,
      shards: split.shards.length,
      bytes: split.shards.reduce((sum, shard) => sum + (shard.entry?.bytes ?? 0), 0),
      classCounts: split.classCounts,
    })),
    classes: dataset.classes,
    statistics: dataset.manifest?.statistics ?? null,
    provenance: dataset.manifest?.provenance ?? null,
    routes: await routesOf(dataset),
  };
}

async function routesOf(dataset: Dataset): Promise<Summary["routes"]> {
  const { openShard } = await import("@millrace/formats");
  const location = dataset.splits.flatMap((split) => split.shards)[0];
  if (location === undefined) return [];
  const shard = await openShard(location);
  const routes = dataset.schema.fields.map(({ name }) => {
    const extents = shard.reader.extents(name);
    if (extents === undefined) return { field: name, route: "library" as const, why: "encoded in the file" };
    const why =
      extents.kind === "affine"
        ? `rows of ${extents.byteLength} bytes at equal distances`
        : "rows by a table of offsets";
    return { field: name, route: "pread" as const, why };
  });
  shard.close();
  return routes;
}

function fieldText(field: Field): string {
  switch (field.kind) {
    case "tensor":
      return `${field.dtype} [${field.shape.join(", ")}]`;
    case "ragged":
      return `${field.dtype}, rank ${field.rank}, a shape per sample`;
    case "bytes":
      return field.encoding === "none" ? "bytes" : `encoded ${field.encoding}`;
    case "string":
      return "text";
  }
}

function fractions(values: readonly number[]): string {
  return values.map((value) => value.toFixed(4)).join(", ");
}

function textOf(dataset: Dataset, summary: Summary): string {
  const parts = [
    `${dataset.root}: ${summary.format}${summary.fingerprint === "" ? ", no manifest" : `, fingerprint ${summary.fingerprint.slice(0, 12)}`}`,
  ];
  const route = new Map(summary.routes.map((entry) => [entry.field, `${entry.route} (${entry.why})`]));
  parts.push(
    formatTable(
      ["field", "type", "read by"],
      dataset.schema.fields.map((field) => [field.name, fieldText(field), route.get(field.name) ?? ""]),
    ),
  );
  parts.push(
    formatTable(
      ["split", "samples", "shards", "size"],
      summary.splits.map((split) => [
        split.name,
        formatCount(split.samples),
        String(split.shards),
        split.bytes === 0 ? "" : formatBytes(split.bytes),
      ]),
    ),
  );
  if (dataset.classes.length > 0) {
    const rows = dataset.classes
      .slice(0, 20)
      .map((name, label) => [
        String(label),
        name,
        ...dataset.splits.map((split) => formatCount(split.classCounts[label] ?? 0)),
      ]);
    parts.push(formatTable(["label", "class", ...dataset.splits.map((split) => split.name)], rows));
    if (dataset.classes.length > 20) parts.push(`... and ${dataset.classes.length - 20} more classes`);
  }
  const statistics = dataset.manifest?.statistics;
  if (statistics) {
    parts.push(
      `${statistics.field}: mean [${fractions(statistics.mean)}], standard deviation [${fractions(statistics.std)}] per channel`,
    );
  }
  const provenance = dataset.manifest?.provenance;
  if (provenance)
    parts.push(
      `made by ${provenance.tool} from ${provenance.sourceKind}; ${formatCount(provenance.rejected)} rejected`,
    );
  return parts.join("\n\n");
}
