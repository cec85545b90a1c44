import { openFormat, type Sample, type Schema, type ShardReader } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** What the header of a member says, where it is not what it should be. */
export interface HeaderChanges {
  readonly type?: string;
  /** The 12 bytes of the size. */
  readonly size?: Uint8Array | string;
  readonly prefix?: string;
  readonly magic?: string;
}

/** Writes the checksum of a header into it. */
export function seal(header: Buffer): Buffer {
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

/** A member: its header with the right checksum, its data, padding. */
export function member(name: string, data: Uint8Array | string = "", changes: HeaderChanges = {}): Buffer {
  const bytes = Buffer.from(data as Uint8Array);
  const header = Buffer.alloc(512);
  header.write(name, 0, 100, "utf8");
  header.write("0000644", 100, "latin1");
  const size = changes.size ?? `${bytes.length.toString(8).padStart(11, "0")}\0`;
  Buffer.from(size as Uint8Array).copy(header, 124, 0, 12);
  header.write(changes.type ?? "0", 156, "latin1");
  header.write(changes.magic ?? "ustar\x0000", 257, "latin1");
  header.write(changes.prefix ?? "", 345, "utf8");
  return Buffer.concat([seal(header), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** A size in base 256, as GNU writes those past 8 GiB. */
export function base256(size: bigint): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64BE(size, 4);
  bytes.writeUInt8(0x80, 0);
  return bytes;
}

/** A record of a pax header. */
export function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + 1;
  while (length !== rest + String(length).length) length++;
  return `${length} ${key}=${value}\n`;
}

/** A new archive of these members, with its end. */
export function archiveOf(...members: readonly Uint8Array[]): string {
  const path = join(tempDir(), "data.tar");
  writeFileSync(path, Buffer.concat([...members, Buffer.alloc(1024)]));
  return path;
}

/** Opens an archive, with a schema or without. */
export async function open(path: string, schema?: Schema): Promise<ShardReader> {
  return await (await openFormat("webdataset")).openReader(path, { schema });
}

/** Writes samples into a new shard and returns its path. */
export async function writeShard(
  schema: Schema,
  samples: Iterable<Sample>,
  attributes?: ReadonlyMap<string, string>,
): Promise<string> {
  const path = join(tempDir(), "shard.tar");
  const writer = await (await openFormat("webdataset")).createWriter(path, { schema, attributes });
  for (const sample of samples) await writer.write(sample);
  await writer.finish();
  return path;
}
