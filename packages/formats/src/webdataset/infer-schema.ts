import { commonEncoding } from "../encoding-of.js";
import { UnsupportedError } from "../errors.js";
import { ScanWindow } from "../scan-window.js";
import { isFieldName, type Encoding, type Field, type Schema } from "../schema.js";
import type { ByteSource } from "../byte-source.js";
import { EXTENSIONS, FIELD_OF_EXTENSION, type Codec } from "./member-columns.js";
import { splitMemberName } from "./member-name.js";
import { readNpyMember, type NpyMember } from "./npy-member.js";
import { TarScan } from "./tar-scan.js";

/** How many samples tell the schema of an archive. */
const SAMPLES = 16;
/** More members than a sample of any data set has. */
const MAX_MEMBERS = 1000;

interface Member {
  readonly suffix: string;
  readonly offset: number;
  readonly size: number;
}

/**
 * The schema of an archive that others made, by its first 16 samples. What all of them have becomes a field:
 *
 * | suffix | field |
 * | --- | --- |
 * | `jpg`, `jpeg`, `png`, `webp` | bytes `image`, with that encoding |
 * | `cls` | tensor `label`, `int32`, shape `[]` |
 * | `txt`, `json` | string `txt`, `json` |
 * | `npy` | tensor `npy`, or ragged where the shapes differ |
 * | `<name>.<one of these>` | the same, as field `<name>` |
 * | others, and arrays that no tensor can hold | bytes of the suffix's name |
 *
 * Two members of one sample that would be the same field have their whole suffixes as names.
 *
 * @throws CorruptShardError if the archive is damaged; UnsupportedError if the samples have no field in common.
 */
export function inferSchema(source: ByteSource): Schema {
  const samples = firstSamples(source);
  const literal = clashing(samples);
  const nameOf = (suffix: string): string => (literal.has(suffix) ? suffix : plainNameOf(suffix));
  const byName = new Map<string, Member[]>();
  for (const members of samples) {
    for (const member of members) {
      const name = nameOf(member.suffix);
      const known = byName.get(name);
      if (known === undefined) byName.set(name, [member]);
      else known.push(member);
    }
  }
  const window = new ScanWindow(source);
  const fields = [...byName].flatMap(([name, members]) =>
    members.length === samples.length ? (fieldFor(window, name, members) ?? []) : [],
  );
  const unique = [...new Map(fields.map((field) => [field.name, field])).values()];
  if (unique.length > 0) return { fields: unique };
  throw new UnsupportedError({
    file: source.path,
    problem: samples.length === 0 ? "there is no sample" : "its samples have no field in common",
    expected: "members named key.extension, those of a sample one after the other",
    found: [...byName.keys()].slice(0, 10).join(", ") || undefined,
    fix: "pack the samples as WebDataset does, or describe them by a schema",
  });
}

function firstSamples(source: ByteSource): Member[][] {
  const scan = new TarScan(source);
  const samples: Member[][] = [];
  let key: string | undefined;
  for (let member = scan.next(); member !== undefined; member = scan.next()) {
    const name = splitMemberName(member.name);
    if (name === undefined) continue;
    if (name.key !== key) {
      if (samples.length === SAMPLES) break;
      samples.push([]);
      key = name.key;
    }
    const last = samples.at(-1) as Member[];
    if (last.length < MAX_MEMBERS)
      last.push({ suffix: name.suffix.toLowerCase(), offset: member.offset, size: member.size });
  }
  return samples;
}

/** The name of a field for a suffix that is alone in claiming it. */
function plainNameOf(suffix: string): string {
  const dot = suffix.lastIndexOf(".");
  if (dot < 0) return FIELD_OF_EXTENSION.get(suffix) ?? suffix;
  return EXTENSIONS.has(suffix.slice(dot + 1)) ? suffix.slice(0, dot) : suffix;
}

/** Suffixes that share the name of their field with another one in the same sample. */
function clashing(samples: readonly (readonly Member[])[]): ReadonlySet<string> {
  const literal = new Set<string>();
  for (const members of samples) {
    const suffixOfName = new Map<string, string>();
    for (const { suffix } of members) {
      const name = plainNameOf(suffix);
      const other = suffixOfName.get(name);
      suffixOfName.set(name, suffix);
      if (other !== undefined && other !== suffix) literal.add(suffix).add(other);
    }
  }
  return literal;
}

function fieldFor(window: ScanWindow, name: string, members: readonly Member[]): Field | undefined {
  if (!isFieldName(name)) return undefined;
  const known = members.map(({ suffix }) => EXTENSIONS.get(suffix.slice(suffix.lastIndexOf(".") + 1)));
  const codecs = new Set<Codec>(known.map((one) => one?.codec ?? "bytes"));
  const [codec] = codecs;
  if (codecs.size !== 1 || codec === undefined) return undefined;
  switch (codec) {
    case "bytes": {
      const encodings = known.map((one): Encoding => (one?.codec === "bytes" ? one.encoding : "none"));
      return { name, kind: "bytes", encoding: commonEncoding(encodings) };
    }
    case "text":
      return { name, kind: "string" };
    case "decimal":
      return { name, kind: "tensor", dtype: "int32", shape: [] };
    case "npy":
      return arrayField(window, name, members);
  }
}

/** A tensor where all shapes are the same, ragged where they differ, else the files as they are. */
function arrayField(window: ScanWindow, name: string, members: readonly Member[]): Field | undefined {
  const arrays = members.map(({ offset, size }) => readNpyMember(window, offset, size));
  const first = arrays[0] as NpyMember | string;
  const isAlike = (array: NpyMember | string): array is NpyMember =>
    typeof array !== "string" &&
    typeof first !== "string" &&
    array.dtype === first.dtype &&
    array.shape.length === first.shape.length;
  if (typeof first === "string" || !arrays.every(isAlike)) {
    const suffix = members[0]?.suffix ?? name;
    return isFieldName(suffix) ? { name: suffix, kind: "bytes", encoding: "none" } : undefined;
  }
  const { dtype, shape } = first;
  const isFixed = arrays.every((array) => array.shape.join() === shape.join()) && !shape.includes(0);
  if (isFixed && shape.length <= 31) return { name, kind: "tensor", dtype, shape };
  return shape.length > 0 ? { name, kind: "ragged", dtype, rank: shape.length } : undefined;
}
