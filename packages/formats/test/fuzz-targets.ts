import { crc32c, encodeShardIndex, fingerprintOf, openFormat, type Manifest, type Schema } from "@millrace/formats";
import {
  anything,
  array,
  constant,
  constantFrom,
  double,
  integer,
  jsonValue,
  maxSafeInteger,
  nat,
  oneof,
  option,
  record as recordOf,
  string,
  tuple,
  uint8Array,
  type Arbitrary,
} from "fast-check";
import { readFileSync } from "node:fs";
import { everyEncoding } from "../../image/test/sample-images.js";
import type { Use } from "./damage/prober.js";
import { makeDataset, makeSubjects, type Subject } from "./damage/subjects.js";
import { mutationsOf } from "./fuzz-bytes.js";
import { reseal, sealedOf } from "./fuzz-checksums.js";
import { footerOf, fileOf } from "./arrow/build-footer.js";
import { bytesFeature, field, header as frame, int64Feature, payloadsOf, record, varint } from "./tfrecord/records.js";
import { base256, member, paxRecord } from "./webdataset/archives.js";

/** A parser, and files that are nearly right for it. */
export interface FuzzTarget {
  /** What is parsed. */
  readonly name: string;
  readonly use: Use;
  /** Codes of the errors that it may end in, besides a value. */
  readonly codes: readonly string[];
  /** Makes the files; `folder` is empty and takes what they are made of. */
  readonly files: (folder: string) => Promise<Arbitrary<Uint8Array>>;
}

const SHARD_CODES = ["CORRUPT_SHARD", "UNSUPPORTED"];

function mutatedSubjects(subjects: readonly Subject[]): Arbitrary<Uint8Array> {
  return oneof(...subjects.map(({ bytes, isHeader }) => mutationsOf(bytes, isHeader)));
}

/** Metadata of HDF5 with right checksums, in which everything else may be wrong. */
async function hdf5Files(folder: string): Promise<Arbitrary<Uint8Array>> {
  const subjects = await makeSubjects("hdf5", folder);
  return oneof(
    ...subjects.map(({ bytes, isHeader }) => {
      const sealed = sealedOf(bytes);
      const isMetadata = (at: number): boolean => isHeader(at) && bytes[at] !== 0;
      return mutationsOf(bytes, isMetadata).map((changed) => reseal(changed, sealed));
    }),
  );
}

async function arrowFiles(folder: string): Promise<Arbitrary<Uint8Array>> {
  const subjects = await makeSubjects("arrow", folder);
  const stream = readFileSync(new URL("../../../fixtures/arrow/stream.arrow", import.meta.url));
  const number = oneof(integer({ min: -64, max: 4096 }).map(BigInt), constantFrom(2n ** 31n, 2n ** 53n, 2n ** 62n));
  const blocks = array(tuple(number, integer({ min: -8, max: 512 }), number), { maxLength: 4 });
  const footers = tuple(blocks, nat(3), nat(3), uint8Array({ maxLength: 600 })).map(([list, fields, entries, body]) =>
    fileOf(footerOf({ blocks: list, fields, entries }), body),
  );
  return oneof(
    { weight: 4, arbitrary: mutatedSubjects(subjects) },
    { weight: 1, arbitrary: mutationsOf(stream) },
    { weight: 1, arbitrary: footers },
  );
}

/** Lengths and checksums of records, which may be wrong. */
function framings(): Arbitrary<Uint8Array> {
  const sound = record(field(1, field(1, field(1, "x"), field(2, int64Feature(7)))));
  const part = oneof(
    constant(sound),
    oneof(nat(200).map(BigInt), constantFrom(2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n)).map(frame),
    uint8Array({ maxLength: 40 }),
    mutationsOf(sound),
  );
  return array(part, { minLength: 1, maxLength: 6 }).map((parts) => Buffer.concat(parts));
}

/** Messages of protobuf that are nearly an Example, in records that are whole. */
function examples(payloads: readonly Buffer[]): Arbitrary<Uint8Array> {
  const feature = oneof(
    array(uint8Array({ maxLength: 12 }), { maxLength: 3 }).map((values) => bytesFeature(...values)),
    array(integer(), { maxLength: 4 }).map((values) => int64Feature(...values)),
    uint8Array({ maxLength: 16 }).map((bytes) => field(2, field(1, bytes))),
    uint8Array({ maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
    tuple(nat(30), nat(300)).map(([tag, length]) => Buffer.concat([varint(tag), varint(length)])),
  );
  const key = oneof(constantFrom("image", "label", "boxes", "boxes/shape", "x", "a/b", ""), string({ maxLength: 6 }));
  const made = array(tuple(key, feature), { maxLength: 5 }).map((entries) =>
    field(1, ...entries.map(([name, value]) => entry(name, value))),
  );
  const payload = oneof(made, ...payloads.map((bytes) => mutationsOf(bytes)));
  return array(payload, { minLength: 1, maxLength: 4 }).map((list) =>
    Buffer.concat(list.map((bytes) => record(bytes))),
  );
}

/** What {@link examplesOfSchema} are read by. */
const numberAndBytes: Schema = {
  fields: [
    { name: "x", kind: "ragged", dtype: "int16", rank: 1 },
    { name: "y", kind: "bytes", encoding: "none" },
  ],
};

function entry(name: string, feature: Uint8Array): Buffer {
  return field(1, field(1, name), field(2, feature));
}

/** Records that nearly fit the schema that they are opened with. */
function examplesOfSchema(): Promise<Arbitrary<Uint8Array>> {
  const odd = oneof(
    uint8Array({ maxLength: 9 }).map((bytes) => bytesFeature(bytes)),
    array(integer(), { maxLength: 2 }).map((values) => int64Feature(...values)),
    uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
  );
  const right = nat(4).map((length) => [bytesFeature(Buffer.alloc(length * 2)), int64Feature(length)] as const);
  const one = tuple(right, option(odd, { freq: 2 }), option(odd, { freq: 2 })).map(([[elements, shape], x, y]) =>
    record(field(1, entry("x", x ?? elements), entry("x/shape", shape), entry("y", y ?? bytesFeature("y")))),
  );
  return Promise.resolve(array(one, { minLength: 1, maxLength: 3 }).map((list) => Buffer.concat(list)));
}

async function tfrecordFiles(folder: string): Promise<Arbitrary<Uint8Array>> {
  const subjects = await makeSubjects("tfrecord", folder);
  const whole = subjects.filter(({ name }) => !name.includes("zip") && !name.includes("zlib"));
  const payloads = whole.flatMap(({ path }) => payloadsOf(path).slice(0, 3));
  return oneof(framings(), examples(payloads), mutatedSubjects(subjects));
}

const end = Buffer.alloc(1024);

/** Members of tar whose headers are whole, whatever they say. */
function archives(): Arbitrary<Uint8Array> {
  const size = oneof(
    constantFrom(0n, 1n, 511n, 512n, 2n ** 33n, 2n ** 63n - 1n).map(base256),
    constantFrom("00000000000\0", "77777777777\0", "           \0", "0000000001\0\0"),
  );
  const name = oneof(
    constantFrom("0.txt", "0.cls", "0.npy", "1.jpg", "./a/b.c.npy", "dir/", "..", "__x__/1.jpg", ".jpg", "a"),
    string({ unit: "binary", maxLength: 99 }),
  );
  const pax = tuple(
    constantFrom("path", "size", "comment", "MILLRACE.schema", "GNU.sparse.map"),
    string({ maxLength: 20 }),
  );
  const data = oneof(
    uint8Array({ maxLength: 600 }),
    pax.map(([key, value]) => Buffer.from(paxRecord(key, value))),
    constantFrom("5", "\u0093NUMPY\u0001\0", "x.txt\0", paxRecord("size", "3"), "9 path=x\n"),
  );
  const type = constantFrom("0", "\0", "7", "x", "g", "L", "K", "1", "2", "5", "S", "M", "V", "X", "?");
  const one = tuple(name, data, type, option(size)).map(([called, content, kind, told]) =>
    member(called, content, told === null ? { type: kind } : { type: kind, size: told }),
  );
  return tuple(nat(3), array(one, { minLength: 1, maxLength: 8 })).map(([samples, members]) =>
    Buffer.concat([...Array.from({ length: samples }, (_, n) => member(`${n}.txt`, "a")), ...members, end]),
  );
}

async function tarFiles(folder: string): Promise<Arbitrary<Uint8Array>> {
  const subjects = await makeSubjects("webdataset", folder);
  return oneof(archives(), archives(), mutatedSubjects(subjects));
}

/** What the arrays of {@link npyFiles} are read by. */
const pairs: Schema = { fields: [{ name: "npy", kind: "tensor", dtype: "int16", shape: [2] }] };

/** Headers of `.npy` as the member of a sample. */
function npyFiles(): Promise<Arbitrary<Uint8Array>> {
  const descr = oneof(constantFrom("<i2", "|u1", "<f4", ">f4", "<u8", "|O", "<U9", "|b1"), string({ maxLength: 6 }));
  const shape = oneof(
    array(oneof(nat(4), constantFrom(2 ** 31, 2 ** 53, -1)), { maxLength: 5 }).map((list) => `(${list.join(", ")},)`),
    constantFrom("()", "(3)", "(3,", "(1,)*9", "(0,)", `(${"1,".repeat(40)})`),
  );
  const text = tuple(descr, constantFrom("False", "True", "0"), shape, nat(80)).map(
    ([type, order, extents, spaces]) =>
      `{'descr': '${type}', 'fortran_order': ${order}, 'shape': ${extents}, }${" ".repeat(spaces)}\n`,
  );
  const file = tuple(
    constantFrom(1, 2, 3, 9),
    option(integer({ min: 0, max: 70_000 })),
    text,
    uint8Array({ maxLength: 40 }),
  );
  const npy = file.map(([version, told, header, data]) => {
    const length = Buffer.alloc(version === 1 ? 2 : 4);
    length.writeUIntLE((told ?? header.length) % 65_536, 0, length.length);
    const magic = Buffer.from(`\u0093NUMPY${String.fromCharCode(version, 0)}`, "latin1");
    return Buffer.concat([magic, length, Buffer.from(header, "latin1"), data]);
  });
  const dictionary = "{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }\n";
  const sound = Buffer.from(
    `\u0093NUMPY\u0001\0${String.fromCharCode(dictionary.length)}\0${dictionary}1234`,
    "latin1",
  );
  const some = oneof(constant(sound), mutationsOf(sound), npy);
  return Promise.resolve(
    array(some, { minLength: 1, maxLength: 3 }).map((list) =>
      Buffer.concat([...list.map((bytes, n) => member(`${n}.npy`, bytes)), end]),
    ),
  );
}

/** Sidecars with a right checksum, whose header is nearly right. */
function indexFiles(): Promise<Arbitrary<Uint8Array>> {
  const sound = encodeShardIndex({
    samples: 3,
    columns: new Map<string, Uint32Array | Float64Array>([
      ["crc32c/image", Uint32Array.of(1, 2, 3)],
      ["offsets", Float64Array.of(1, 2 ** 40)],
    ]),
  });
  const number = oneof(nat(400), maxSafeInteger(), double(), constant("7"), constant(null));
  const column = recordOf({
    name: oneof(constantFrom("crc32c/image", "__proto__", ""), string({ maxLength: 9 })),
    dtype: constantFrom("uint32", "float64", "int64", "float16", "bool"),
    offset: number,
    length: number,
  });
  const header = oneof(
    recordOf({ samples: number, columns: array(column, { maxLength: 4 }) }).map((value) => JSON.stringify(value)),
    jsonValue().map((value) => JSON.stringify(value)),
    string({ maxLength: 40 }),
  );
  const made = tuple(header, option(nat(500)), uint8Array({ maxLength: 200 })).map(([text, told, rest]) => {
    const bytes = Buffer.concat([Buffer.from("MRINDEX1\0\0\0\0"), Buffer.from(text), rest]);
    bytes.writeUInt32LE(told ?? Buffer.byteLength(text), 8);
    return bytes;
  });
  const changed = oneof(made, mutationsOf(sound.subarray(0, -4)));
  return Promise.resolve(
    changed.map((bytes) => {
      const checksum = Buffer.alloc(4);
      checksum.writeUInt32LE(crc32c(bytes));
      return Buffer.concat([bytes, checksum]);
    }),
  );
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Puts `value` in the place of the node at `path`, each step of which is taken modulo the number of children. */
function replaced(node: Json, path: readonly number[], value: Json): Json {
  const [step, ...rest] = path;
  if (step === undefined || node === null || typeof node !== "object") return value;
  const keys = Object.keys(node);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return value;
  const copy = Array.isArray(node) ? [...node] : { ...node };
  Object.assign(copy, { [key]: replaced((node as Record<string, Json>)[key] as Json, rest, value) });
  return copy;
}

/** Manifests with a right fingerprint, in which a part is something else. */
async function manifestFiles(folder: string): Promise<Arbitrary<Uint8Array>> {
  const { manifest } = await makeDataset("tfrecord", `${folder}/dataset`);
  const sound = readFileSync(manifest);
  const value = oneof(
    constantFrom<Json>(-1, 0, 2 ** 53, 1.5, "", "../x", "/etc", [], {}, null),
    jsonValue().map((any) => any as Json),
  );
  const changed = tuple(array(nat(20), { minLength: 1, maxLength: 7 }), value).map(([path, other]) => {
    const content = replaced(JSON.parse(sound.toString()) as Json, path, other);
    if (content === null || typeof content !== "object" || Array.isArray(content)) return JSON.stringify(content);
    return JSON.stringify({ ...content, fingerprint: fingerprintOf(content as unknown as Manifest) });
  });
  const text = anything({ maxDepth: 2 }).map((any) => JSON.stringify(any) ?? "undefined");
  return oneof(
    { weight: 4, arbitrary: changed.map((json) => Buffer.from(json)) },
    mutationsOf(sound),
    text.map((json) => Buffer.from(json)),
  );
}

async function imageFiles(): Promise<Arbitrary<Uint8Array>> {
  const images = [...(await everyEncoding()).values()].map((bytes) => bytes.subarray(0, 700));
  return oneof(...images.map((bytes) => mutationsOf(bytes, (at) => at < 200)));
}

const shard = async (name: string, schema?: Schema): Promise<Use> => ({
  kind: "shard",
  format: (await openFormat(name)).name,
  schema,
});

/** Every parser of files from outside. */
export const fuzzTargets: readonly FuzzTarget[] = [
  { name: "arrow", use: await shard("arrow"), codes: SHARD_CODES, files: arrowFiles },
  { name: "hdf5", use: await shard("hdf5"), codes: SHARD_CODES, files: hdf5Files },
  { name: "tfrecord", use: await shard("tfrecord"), codes: SHARD_CODES, files: tfrecordFiles },
  {
    name: "tfrecord with a schema",
    use: await shard("tfrecord", numberAndBytes),
    codes: SHARD_CODES,
    files: examplesOfSchema,
  },
  { name: "tfrecord recovery", use: { kind: "recovery" }, codes: SHARD_CODES, files: tfrecordFiles },
  { name: "webdataset", use: await shard("webdataset"), codes: SHARD_CODES, files: tarFiles },
  { name: "npy", use: await shard("webdataset"), codes: SHARD_CODES, files: npyFiles },
  { name: "npy with a schema", use: await shard("webdataset", pairs), codes: SHARD_CODES, files: npyFiles },
  { name: "sidecar", use: { kind: "index" }, codes: ["CORRUPT_SHARD"], files: indexFiles },
  { name: "manifest", use: { kind: "manifest" }, codes: ["MANIFEST"], files: manifestFiles },
  { name: "image", use: { kind: "image" }, codes: ["IMAGE"], files: imageFiles },
];
