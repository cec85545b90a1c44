import type { AppendFile } from "../append-file.js";
import type { ChecksummedBytes } from "../combined-checksum.js";
import type { ShardWriterOptions } from "../format.js";
import { SCHEMA_KEY, schemaText } from "../schema-text.js";
import { tensorBytes, type Sample, type SampleValue } from "../schema.js";
import type { SampleEncoder } from "../sequential-writer.js";
import { DEFLATE_FROM_BYTES, DEFLATE_LEVEL, DeflatedRows } from "./deflated-rows.js";
import { encodeMetadata, type NewDataset, type NewStorage } from "./encode/index.js";
import { FieldWriter, type FinishedColumn } from "./field-writer.js";

/** Columns begin at multiples of this, which is enough for any element. */
const ALIGNMENT = 8;
/** Room for the superblock, which is written last. */
const FIRST_BYTE = 64;

interface NextValue {
  readonly writer: FieldWriter;
  readonly value: SampleValue;
  readonly bytes: Uint8Array;
}

/**
 * Writes an HDF5 file from front to back. A column of HDF5 is one run of bytes, so one field can go straight to the
 * file: the first whose elements outgrow its memory of 4 MiB. Deflated tensors all go straight to the file, as their
 * chunks may stand anywhere, and then nothing else does. The other fields wait, in memory or in files without a name,
 * and follow at the end, before the metadata.
 */
export class Hdf5Encoder implements SampleEncoder {
  readonly #fields: readonly FieldWriter[];
  readonly #deflated: ReadonlyMap<FieldWriter, DeflatedRows>;
  /** The field that goes straight to the file, and where it begins there. */
  #main: { readonly writer: FieldWriter; readonly address: number } | undefined;
  #next: readonly NextValue[] = [];

  constructor(
    readonly file: AppendFile,
    readonly options: ShardWriterOptions,
  ) {
    this.#fields = options.schema.fields.map((field) => new FieldWriter(file.path, field));
    const deflated = options.compression === "gzip" ? this.#fields.filter(isDeflated) : [];
    this.#deflated = new Map(deflated.map((writer) => [writer, new DeflatedRows()]));
  }

  /** Makes room for the superblock. */
  async begin(): Promise<void> {
    await this.file.append([Buffer.alloc(FIRST_BYTE)]);
  }

  encode(
    sample: Sample,
    _row: number,
    checksums: ReadonlyMap<string, number>,
  ): readonly (Uint8Array | ChecksummedBytes)[] {
    this.#next = this.#fields.map((writer) => {
      const value = sample.get(writer.field.name) as SampleValue;
      return { writer, value, bytes: writer.encode(value) };
    });
    if (this.#deflated.size > 0) return this.#deflate();
    const isNew = this.#main === undefined;
    if (isNew) this.#main = this.#outgrown();
    const main = this.#next.find(({ writer }) => writer === this.#main?.writer);
    if (main === undefined) return [];
    const { writer, bytes } = main;
    const crc32c = checksums.get(writer.field.name);
    const part = crc32c === undefined ? bytes : { bytes, crc32c };
    return isNew ? [...writer.pieces(), part] : [part];
  }

  taken(): void {
    for (const { writer, value, bytes } of this.#next) {
      if (writer === this.#main?.writer) writer.forget();
      writer.append(value, bytes, this.#isStored(writer));
    }
    this.#next = [];
  }

  async complete(file: AppendFile, samples: number): Promise<void> {
    const datasets: NewDataset[] = [];
    for (const writer of this.#fields) {
      for (const column of writer.finish(samples, this.#isStored(writer))) {
        const { path, element, shape, pieces } = column;
        const storage = pieces === undefined ? await this.#storedAs(writer, column) : await this.#store(column);
        datasets.push({ path, element, shape, storage });
      }
      writer.close();
    }
    const { schema, attributes = new Map<string, string>() } = this.options;
    await this.#align();
    const texts = new Map([[SCHEMA_KEY, schemaText(schema)], ...attributes]);
    const { superblock, tail } = encodeMetadata(file.length, datasets, texts);
    await file.append([tail]);
    await file.patch(0, superblock);
  }

  /** Frees memory and files. Idempotent. */
  close(): void {
    for (const writer of this.#fields) writer.close();
  }

  /** The first field that the sample makes too large for memory. Texts may still become strings of fixed length. */
  #outgrown(): { writer: FieldWriter; address: number } | undefined {
    const large = this.#next.find(
      ({ writer, bytes }) => writer.field.kind !== "string" && writer.wouldSpill(bytes.length),
    );
    return large === undefined ? undefined : { writer: large.writer, address: this.file.length };
  }

  #deflate(): readonly Uint8Array[] {
    let address = this.file.length;
    return this.#next.flatMap(({ writer, bytes }) => {
      const deflated = this.#deflated.get(writer)?.encode(bytes, address);
      if (deflated === undefined) return [];
      address += deflated.length;
      return [deflated];
    });
  }

  #isStored(writer: FieldWriter): boolean {
    return writer === this.#main?.writer || this.#deflated.has(writer);
  }

  async #storedAs(writer: FieldWriter, { shape }: FinishedColumn): Promise<NewStorage> {
    const rows = this.#deflated.get(writer);
    if (rows === undefined) return { kind: "contiguous", address: this.#main?.address };
    if (shape[0] === 0) return { kind: "deflated", address: undefined, level: DEFLATE_LEVEL };
    await this.#align();
    const { bytes, root } = rows.tree(shape.length, this.file.length);
    await this.file.append([bytes]);
    return { kind: "deflated", address: root, level: DEFLATE_LEVEL };
  }

  async #store({ shape, pieces }: FinishedColumn): Promise<NewStorage> {
    if (shape.includes(0)) return { kind: "contiguous", address: undefined };
    await this.#align();
    const address = this.file.length;
    for (const piece of pieces?.() ?? []) await this.file.append([piece]);
    return { kind: "contiguous", address };
  }

  async #align(): Promise<void> {
    await this.file.append([new Uint8Array((ALIGNMENT - (this.file.length % ALIGNMENT)) % ALIGNMENT)]);
  }
}

function isDeflated({ field }: FieldWriter): boolean {
  return field.kind === "tensor" && tensorBytes(field) >= DEFLATE_FROM_BYTES;
}
