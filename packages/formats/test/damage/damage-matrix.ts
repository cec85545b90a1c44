import { FORMAT_NAMES, type FormatName } from "@millrace/formats";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { datasetDamages } from "./dataset-damages.js";
import { fileDamages, spread } from "./file-damages.js";
import { HOSTILE, hostileFiles } from "./hostile-files.js";
import { Prober, type Use } from "./prober.js";
import { makeDataset, makeSubjects, type DatasetSubject, type Subject } from "./subjects.js";

/**
 * What is damaged: `ours`, a shard of ours without a manifest; `theirs`, a file of another library; `traps`, a file that
 * was built to do harm; `dataset`, a file of a dataset with its manifest.
 */
export type Table = "ours" | "theirs" | "traps" | "dataset";

/** How damages of one kind to one file end. */
export interface Cell {
  readonly table: Table;
  readonly damage: string;
  readonly format: FormatName;
  /** The name of the file, for messages. */
  readonly file: string;
  /** How many damages ended so. */
  readonly outcomes: ReadonlyMap<string, number>;
}

/** The outcomes that a probe may have, in the order in which a cell lists them. */
export const OUTCOMES: readonly string[] = ["refused", "reported", "harmless", "undetectable"];

/** How many of the damages of one kind to one file are tried. */
export interface Effort {
  /** Of a file of ours. */
  readonly ours: number;
  readonly theirs: number;
  /** Of a file of a dataset, which costs ten times as much. */
  readonly dataset: number;
}

/** Every damage to the headers of a file of ours, and many of the others. */
export const FULL: Effort = { ours: Number.POSITIVE_INFINITY, theirs: 500, dataset: 150 };
/** Some of each kind. */
export const SAMPLE: Effort = { ours: 30, theirs: 6, dataset: 6 };

/** Most bits of samples that are flipped, which are all alike. */
const PLAIN = 1500;

function countedBy(results: readonly string[]): Map<string, number> {
  const outcomes = new Map<string, number>();
  for (const result of results) outcomes.set(result, (outcomes.get(result) ?? 0) + 1);
  return outcomes;
}

async function damageSubject(prober: Prober, subject: Subject, most: number): Promise<Cell[]> {
  const { format, path, name } = subject;
  const use: Use = { kind: "shard", format };
  const sound = await prober.valuesOf(path, use);
  const table = name === "ours" ? "ours" : "theirs";
  const cells: Cell[] = [];
  for (const damage of fileDamages) {
    const edits = spread(damage.edits(subject), damage.isPlain === true ? Math.min(most, PLAIN) : most);
    if (edits.length === 0) continue;
    const outcomes = countedBy(await prober.probeEdits(path, use, edits, sound));
    cells.push({ table, damage: damage.name, format, file: name, outcomes });
  }
  return cells;
}

async function openHostileFiles(prober: Prober, folder: string, format: FormatName): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const damage of Object.values(HOSTILE)) {
    const results: string[] = [];
    for (const [n, file] of hostileFiles.filter((one) => one.format === format && one.damage === damage).entries()) {
      const use: Use = { kind: "shard", format, schema: file.schema };
      const path = join(folder, `hostile-${n}`);
      const other = join(folder, "sound");
      if (file.sameAs !== undefined) writeFileSync(other, file.sameAs());
      const sound = file.sameAs === undefined ? "nothing" : await prober.valuesOf(other, use);
      writeFileSync(path, file.make());
      results.push(await prober.probe(path, use, sound));
    }
    if (results.length > 0)
      cells.push({ table: "traps", damage, format, file: "a trap", outcomes: countedBy(results) });
  }
  return cells;
}

/** Other bytes in each of the files of a dataset. */
async function damageDatasetFiles(prober: Prober, dataset: DatasetSubject, most: number): Promise<Cell[]> {
  const use: Use = { kind: "dataset", root: dataset.root };
  const sound = await prober.valuesOf(dataset.shard, use);
  const cells: Cell[] = [];
  for (const [what, path] of [
    ["shard", dataset.shard],
    ["sidecar", dataset.index],
    ["manifest", dataset.manifest],
  ] as const) {
    const file = { format: dataset.format, bytes: readFileSync(path), isHeader: () => true };
    for (const damage of fileDamages) {
      const edits = spread(damage.edits(file), most);
      if (edits.length === 0) continue;
      const outcomes = countedBy(await prober.probeEdits(path, use, edits, sound));
      const name = `${what}: ${damage.name.replace("of a header, index or footer ", "")}`;
      cells.push({ table: "dataset", damage: name, format: dataset.format, file: path, outcomes });
    }
  }
  return cells;
}

async function damageDatasets(prober: Prober, dataset: DatasetSubject, folder: string): Promise<Cell[]> {
  const sound = await prober.valuesOf(dataset.shard, { kind: "dataset", root: dataset.root });
  const cells: Cell[] = [];
  for (const [n, { name, damage }] of datasetDamages.entries()) {
    const root = join(folder, `damaged-${n}`);
    const outside = join(folder, `outside-${n}`);
    cpSync(dataset.root, root, { recursive: true });
    mkdirSync(outside);
    const moved = (path: string): string => path.replace(dataset.root, root);
    const copy = {
      format: dataset.format,
      root,
      shard: moved(dataset.shard),
      index: moved(dataset.index),
      manifest: moved(dataset.manifest),
    };
    await damage(copy, outside);
    const result = await prober.probe(copy.shard, { kind: "dataset", root }, sound);
    cells.push({ table: "dataset", damage: name, format: dataset.format, file: root, outcomes: countedBy([result]) });
  }
  return cells;
}

/** Damages files of every format, or of one, in every way; `folder` is empty and takes the files. */
export async function damageMatrix(
  prober: Prober,
  folder: string,
  effort: Effort,
  only: readonly FormatName[] = FORMAT_NAMES,
): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const format of only) {
    const place = join(folder, format);
    mkdirSync(place);
    for (const subject of await makeSubjects(format, place))
      cells.push(...(await damageSubject(prober, subject, subject.name === "ours" ? effort.ours : effort.theirs)));
    cells.push(...(await openHostileFiles(prober, place, format)));
    const dataset = await makeDataset(format, join(place, "dataset"));
    cells.push(...(await damageDatasetFiles(prober, dataset, effort.dataset)));
    cells.push(...(await damageDatasets(prober, dataset, place)));
  }
  return cells;
}
