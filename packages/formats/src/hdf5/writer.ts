import { closeSync, openSync, rmSync } from "node:fs";
import { checkAttributes } from "../attributes.js";
import { checksumFile, type FileChecksum } from "../checksum-file.js";
import { ClosedError, FileError, fileError, OptionError } from "../errors.js";
import type { ShardWriter, ShardWriterOptions } from "../format.js";
import { SCHEMA_KEY, schemaText } from "../schema-text.js";
import { checkSample, checkSchema, type Sample, type SampleValue } from "../schema.js";
import { encodeText } from "../utf8.js";
import { openFieldWriter, type FieldWriter, type FinishedColumn } from "./field-writer.js";
import { tensorColumn } from "./layout.js";
import { layOut, type NewDataset } from "./skeleton.js";
import { writeFully } from "./spool.js";

/**
 * Creates an HDF5 shard at `path`, which must not exist. If the number of samples is known, tensors are written to
 * their place as they come; all else waits in memory, and from 4 MiB a field on in a file beside, until `finish`.
 */
export async function createHdf5Writer(path: string, options: ShardWriterOptions): Promise<ShardWriter> {
  checkSchema(options.schema);
  checkOptions(options);
  const fd = createFile(path);
  try {
    const places = await makeRoom(path, fd, options);
    const fields = options.schema.fields.map((field) => {
      const position = places.get(field.name);
      return [field.name, openFieldWriter(path, field, position === undefined ? undefined : { fd, position })] as const;
    });
    return new Hdf5Writer({ path, fd, options, fields: new Map(fields), hasRoom: places.size > 0 });
  } catch (error) {
    closeSync(fd);
    rmSync(path, { force: true });
    throw error;
  }
}

function checkOptions({ expectedSamples, attributes = new Map() }: ShardWriterOptions): void {
  if (expectedSamples !== undefined && (!Number.isSafeInteger(expectedSamples) || expectedSamples < 0)) {
    throw new OptionError({
      option: "expectedSamples",
      problem: "is impossible",
      expected: "an integer from 0 up",
      found: String(expectedSamples),
    });
  }
  checkAttributes(attributes);
  for (const [name, text] of attributes) {
    if (name !== "" && !name.includes("\0") && !text.includes("\0")) continue;
    const problem = "has an empty name, or a zero character, which ends a string in HDF5";
    throw new OptionError({ option: "attributes", problem, found: name, fix: "choose another name or text" });
  }
}

function createFile(path: string): number {
  try {
    return openSync(path, "wx+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw fileError(path, "create the shard", error);
    const problem = "cannot create the shard: there already is a file";
    throw new FileError({ file: path, problem, fix: "choose another name", cause: error });
  }
}

/** Makes room for the tensors of the expected samples. Returns where each begins; nothing if the number is not known. */
async function makeRoom(path: string, fd: number, options: ShardWriterOptions): Promise<ReadonlyMap<string, number>> {
  const { schema, expectedSamples = 0 } = options;
  const tensors = schema.fields.filter((field) => field.kind === "tensor");
  if (expectedSamples === 0 || tensors.length === 0) return new Map();
  const datasets = tensors.map((field): NewDataset => {
    const { path: name, dtype, rowShape } = tensorColumn(field);
    return { path: name, element: dtype, shape: [expectedSamples, ...rowShape] };
  });
  return await layOut(path, fd, { mode: "create", datasets, attributes: attributesOf(options) });
}

function attributesOf({ schema, attributes = new Map() }: ShardWriterOptions): ReadonlyMap<string, string> {
  return new Map([[SCHEMA_KEY, schemaText(schema)], ...attributes]);
}

interface Opened {
  readonly path: string;
  readonly fd: number;
  readonly options: ShardWriterOptions;
  readonly fields: ReadonlyMap<string, FieldWriter>;
  /** The file has room for the tensors of the expected samples. */
  readonly hasRoom: boolean;
}

class Hdf5Writer implements ShardWriter {
  #state: "open" | "finishing" | "closed" = "open";
  #samples = 0;
  #finishing: Promise<void> | undefined;
  #fd: number;
  readonly path: string;
  readonly #opened: Opened;

  constructor(opened: Opened) {
    this.path = opened.path;
    this.#fd = opened.fd;
    this.#opened = opened;
  }

  async write(sample: Sample): Promise<void> {
    this.#checkOpen();
    const { schema, expectedSamples } = this.#opened.options;
    checkSample(schema, sample);
    if (this.#samples === expectedSamples) {
      throw new OptionError({
        file: this.path,
        option: "expectedSamples",
        problem: "more samples came than were announced",
        expected: `at most ${expectedSamples}`,
      });
    }
    const values = [...this.#opened.fields].map(([name, field]) => {
      const value = sample.get(name) as SampleValue;
      return { field, value: typeof value === "string" ? encodeText(value, name) : value };
    });
    for (const { field, value } of values) field.append(value);
    this.#samples++;
  }

  async finish(): Promise<FileChecksum> {
    this.#checkOpen();
    this.#state = "finishing";
    this.#finishing = this.#complete();
    await this.#finishing;
    this.#close();
    return await checksumFile(this.path);
  }

  async abort(): Promise<void> {
    await this.#finishing?.catch(() => undefined);
    if (this.#state === "closed") return;
    this.#close();
    rmSync(this.path, { force: true });
  }

  async #complete(): Promise<void> {
    const { options, fields, hasRoom } = this.#opened;
    const inPlace = hasRoom && this.#samples === options.expectedSamples;
    const columns = [...fields.values()].flatMap((field) => field.finish(this.#samples, inPlace));
    const homeless = columns.filter(({ pieces }) => pieces !== undefined);
    if (hasRoom && !inPlace) await this.#rewrite(homeless);
    else await this.#fill(homeless, inPlace ? "add" : "create");
  }

  /** Begins the file anew. What was written to it before stays readable through its descriptor, though without a name. */
  async #rewrite(columns: readonly FinishedColumn[]): Promise<void> {
    const old = this.#fd;
    try {
      rmSync(this.path, { force: true });
      this.#fd = createFile(this.path);
      await this.#fill(columns, "create");
    } finally {
      if (this.#fd !== old) closeSync(old);
    }
  }

  async #fill(columns: readonly FinishedColumn[], mode: "create" | "add"): Promise<void> {
    if (columns.length === 0) return;
    const datasets = columns.map(({ dataset }) => dataset);
    const attributes = mode === "create" ? attributesOf(this.#opened.options) : new Map<string, string>();
    const places = await layOut(this.path, this.#fd, { mode, datasets, attributes });
    for (const { dataset, pieces } of columns) {
      let position = places.get(dataset.path) as number;
      for (const piece of pieces?.() ?? []) {
        writeFully(this.#fd, piece, position, this.path);
        position += piece.length;
      }
    }
  }

  #checkOpen(): void {
    if (this.#state !== "open") throw new ClosedError({ file: this.path, problem: "the shard is finished or aborted" });
  }

  #close(): void {
    this.#state = "closed";
    for (const field of this.#opened.fields.values()) field.close();
    closeSync(this.#fd);
  }
}
