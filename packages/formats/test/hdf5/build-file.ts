/** Numbers of the messages that the files are built of. */
export const MESSAGE = {
  dataspace: 1,
  linkInfo: 2,
  datatype: 3,
  link: 6,
  layout: 8,
  filters: 11,
  attribute: 12,
  continuation: 16,
};

/** Where the root's object header begins in every file of {@link buildFile}. */
export const ROOT = 96;

/** Little-endian fields one after the other: `[bytes, value]`, or bytes as they are. */
export function pack(...fields: readonly ([number, number | bigint] | Uint8Array | string)[]): Buffer {
  return Buffer.concat(
    fields.map((field) => {
      if (typeof field === "string") return Buffer.from(field, "latin1");
      if (field instanceof Uint8Array) return Buffer.from(field);
      const [bytes, value] = field;
      const packed = Buffer.alloc(8);
      packed.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
      return packed.subarray(0, bytes);
    }),
  );
}

/** An object header of version 1. `bytes`: what it says of its own length, where that is a lie. */
export function header(messages: readonly [type: number, body: Buffer][], bytes?: number): Buffer {
  const body = Buffer.concat(messages.map(([type, raw]) => message(type, raw)));
  return pack([1, 1], [1, 0], [2, messages.length], [4, 1], [4, bytes ?? body.length], [4, 0], body);
}

function message(type: number, body: Buffer): Buffer {
  const padded = Buffer.concat([body, Buffer.alloc((8 - (body.length % 8)) % 8)]);
  return pack([2, type], [2, padded.length], [4, 0], padded);
}

/** A link message of a member of the root. */
export function link(name: string, address: number): [number, Buffer] {
  return [MESSAGE.link, pack([1, 1], [1, 0], [1, name.length], name, [8, address])];
}

/** Marks the root as a group without links elsewhere. */
export const noOtherLinks: [number, Buffer] = [MESSAGE.linkInfo, pack([1, 0], [1, 0], [8, -1], [8, -1])];

/** A dataspace message of version 1. */
export function space(...extents: readonly number[]): [number, Buffer] {
  const fields = extents.map((extent): [number, number] => [8, extent]);
  return [MESSAGE.dataspace, pack([1, 1], [1, extents.length], [6, 0], ...fields)];
}

/** The datatype message of unsigned integers. */
export function unsigned(bytes: number): [number, Buffer] {
  return [MESSAGE.datatype, pack([1, 0x10], [3, 0], [4, bytes], [2, 0], [2, bytes * 8])];
}

/** A layout message of contiguous elements. */
export function contiguous(address: number, bytes: number): [number, Buffer] {
  return [MESSAGE.layout, pack([1, 3], [1, 1], [8, address], [8, bytes])];
}

/** A layout message of chunks in a version 1 tree. */
export function chunked(address: number, elementBytes: number, ...shape: readonly number[]): [number, Buffer] {
  const extents = [...shape, elementBytes].map((extent): [number, number] => [4, extent]);
  return [MESSAGE.layout, pack([1, 3], [1, 2], [1, shape.length + 1], [8, address], ...extents)];
}

/** A file with a superblock of version 0, the root's header at {@link ROOT}, and other parts at their places. */
export function buildFile(root: Buffer, parts: readonly [address: number, part: Buffer][] = [], end?: number): Buffer {
  const length = Math.max(ROOT + root.length, ...parts.map(([address, part]) => address + part.length));
  const file = Buffer.alloc(length);
  const addresses = pack([8, 0], [8, -1], [8, end ?? length], [8, -1]);
  const entry = pack([8, 0], [8, ROOT], [8, 0], [8, 0], [8, 0]);
  pack("\x89HDF\r\n\x1a\n", [5, 0], [1, 8], [1, 8], [1, 0], [2, 4], [2, 16], [4, 0], addresses, entry).copy(file);
  root.copy(file, ROOT);
  for (const [address, part] of parts) part.copy(file, address);
  return file;
}
