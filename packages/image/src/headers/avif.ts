import type { ByteReader } from "./byte-reader.js";
import type { HeaderFormat, ImageSize } from "./header-format.js";

/** A box of ISO/IEC 14496-12: `[at, end)` is its content; `end` may lie behind the end of the bytes. */
interface FileBox {
  readonly type: string;
  readonly at: number;
  readonly end: number;
}

/** The boxes in `[from, to)`, up to the first that does not fit. */
function* boxes(reader: ByteReader, from: number, to: number): Generator<FileBox> {
  for (let at = from; at + 8 <= to;) {
    const short = reader.u32(at);
    const type = reader.tag(at + 4);
    const head = short === 1 ? 16 : 8;
    const long = short === 1 && at + 16 <= to ? reader.u32(at + 8) * 2 ** 32 + reader.u32(at + 12) : short;
    const end = short === 0 ? to : at + long;
    if (end < at + head) return;
    yield { type, at: at + head, end };
    at = end;
  }
}

/** Content of the first box of each type along `path`; `meta` has four bytes of version and flags before its boxes. */
function find(reader: ByteReader, path: readonly string[]): FileBox | undefined {
  let box: FileBox | undefined = { type: "", at: 0, end: reader.length };
  for (const type of path) {
    const from: FileBox = box;
    const start = from.type === "meta" ? from.at + 4 : from.at;
    box = undefined;
    for (const candidate of boxes(reader, start, Math.min(from.end, reader.length))) {
      if (candidate.type !== type) continue;
      box = candidate;
      break;
    }
    if (box === undefined) return undefined;
  }
  return box;
}

function size(reader: ByteReader): ImageSize {
  const properties = find(reader, ["meta", "iprp", "ipco"]);
  let width = 0;
  let height = 0;
  if (properties === undefined || properties.end > reader.length) {
    return reader.fail(isWhole(reader) ? "corrupt" : "truncated", "has no image properties");
  }
  // An image of several tiles has several sizes; the whole one is the largest.
  for (const property of boxes(reader, properties.at, properties.end)) {
    if (property.type !== "ispe") continue;
    width = Math.max(width, reader.u32(property.at + 4));
    height = Math.max(height, reader.u32(property.at + 8));
  }
  return { width, height };
}

function isWhole(reader: ByteReader): boolean {
  const data = find(reader, ["mdat"]);
  return data !== undefined && data.end <= reader.length;
}

/** AVIF: a HEIF file (ISO/IEC 23008-12) with the brand `avif` or `avis`. */
export const avif: HeaderFormat = {
  signatures: ["????ftypavif", "????ftypavis"],
  size,
  isWhole,
};
