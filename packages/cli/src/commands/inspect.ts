import type { Dataset, Field, Statistics } from "@millrace/formats";
import type { CommandModule } from "yargs";
import { datasetFlags, targetOf, type DatasetFlags } from "../dataset-flags.js";
import type { DatasetSummary, FieldRoute } from "../dataset-summary.js";
import { print, printJson, type Io } from "../io.js";
import { formatBytes, formatCount, formatTable } from "../table.js";

/** Classes that the text shows. */
const SHOWN_CLASSES = 20;

/** `millrace inspect`: what a dataset holds. */
export function inspectCommand(io: Io): CommandModule {
  return {
    command: "inspect <dataset..>",
    describe: "Show the schema, splits, classes and statistics of a dataset, and how its fields are read",
    builder: (yargs) =>
      datasetFlags(yargs)
        .example("$0 inspect shards/", "What is in there?")
        .example("$0 inspect shards/ --json | jq .splits", "The same for programs")
        .example("$0 inspect 'shard-{000..009}.tar'", "Files that others made"),
    handler: async (args) => {
      const { openDataset } = await import("@millrace/formats");
      const { summaryOf } = await import("../dataset-summary.js");
      const flags = args as unknown as DatasetFlags;
      const { paths, ...options } = await targetOf(flags);
      await using dataset = await openDataset(paths, options);
      const summary = await summaryOf(dataset);
      if (flags.json) printJson(io, summary);
      else print(io, textOf(dataset, summary));
    },
  };
}

function textOf(dataset: Dataset, summary: DatasetSummary): string {
  const identity = summary.fingerprint === "" ? "no manifest" : `fingerprint ${summary.fingerprint.slice(0, 12)}`;
  const { statistics, provenance } = summary;
  return [
    `${summary.path}: ${summary.format}, ${identity}`,
    fieldTable(summary),
    splitTable(summary),
    ...classTable(dataset),
    ...(statistics === null ? [] : [statisticsText(statistics)]),
    ...(provenance === null
      ? []
      : [`made by ${provenance.tool} from ${provenance.sourceKind}; ${formatCount(provenance.rejected)} rejected`]),
  ].join("\n\n");
}

function fieldTable({ schema, routes }: DatasetSummary): string {
  const byName = new Map(routes.map((route) => [route.field, route]));
  return formatTable(
    ["field", "type", "read by", "bytes a sample"],
    schema.fields.map((field) => {
      const route = byName.get(field.name);
      return [
        field.name,
        fieldText(field),
        route === undefined ? "" : `${route.route} (${route.extents}: ${route.why})`,
        sizeText(route),
      ];
    }),
  );
}

function sizeText(route: FieldRoute | undefined): string {
  if (route?.meanBytes == null || route.maxBytes === null) return "";
  if (route.extents === "affine") return formatCount(route.maxBytes);
  return `${formatCount(Math.round(route.meanBytes))}, at most ${formatCount(route.maxBytes)}`;
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

function splitTable({ splits }: DatasetSummary): string {
  return formatTable(
    ["split", "samples", "shards", "size"],
    splits.map(({ name, samples, shards, bytes }) => [name, formatCount(samples), String(shards), formatBytes(bytes)]),
  );
}

function classTable({ classes, splits }: Dataset): string[] {
  if (classes.length === 0) return [];
  const rows = classes
    .slice(0, SHOWN_CLASSES)
    .map((name, label) => [String(label), name, ...splits.map((split) => formatCount(split.classCounts[label] ?? 0))]);
  const table = formatTable(["label", "class", ...splits.map((split) => split.name)], rows);
  return classes.length > SHOWN_CLASSES ? [table, `... and ${classes.length - SHOWN_CLASSES} more classes`] : [table];
}

function statisticsText({ field, mean, std }: Statistics): string {
  return `${field}: mean [${fractions(mean)}], standard deviation [${fractions(std)}] per channel`;
}

function fractions(values: readonly number[]): string {
  return values.map((value) => value.toFixed(4)).join(", ");
}
