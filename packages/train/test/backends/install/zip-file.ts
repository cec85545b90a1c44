import { crc32, deflateRawSync } from "node:zlib";

/** A file in a zip file that a test makes; what is left out is told as it is. */
export interface ZipEntry {
  readonly name: string;
  readonly data: Buffer;
  /** The size, unpacked, that the directory tells. */
  readonly toldBytes?: number;
  /** Encrypted, it says. */
  readonly isEncrypted?: boolean;
}

/** A zip file (APPNOTE.TXT 4.3) with deflated entries, in which the directory may lie. */
export function makeZip(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data, toldBytes = data.length, isEncrypted = false } of entries) {
    const packed = deflateRawSync(data);
    const path = Buffer.from(name);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(isEncrypted ? 1 : 0, 2);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(crc32(data), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(toldBytes, 18);
    fields.writeUInt16LE(path.length, 22);
    const at = Buffer.alloc(14);
    at.writeUInt32LE(offset, 10);
    parts.push(Buffer.from("PK\u0003\u0004", "latin1"), fields, path, packed);
    directory.push(Buffer.from("PK\u0001\u0002\u0014\u0000", "latin1"), fields, at, path);
    offset += 30 + path.length + packed.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\u0005\u0006", "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}
