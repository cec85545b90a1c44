/**
 * The records of a pax extended header (POSIX.1-2017, `pax`, "pax Extended Header"): `"%d %s=%s\n"`, where the number is
 * the length of the whole record in bytes, its own digits counted.
 */
export type PaxRecords = ReadonlyMap<string, string>;

/** The bytes of a header with these records, in their order. */
export function encodePax(records: PaxRecords): Uint8Array {
  return Buffer.concat([...records].map(([key, value]) => encodeRecord(key, value)));
}

function encodeRecord(key: string, value: string): Uint8Array {
  const rest = Buffer.from(` ${key}=${value}\n`, "utf8");
  let length = rest.length;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length), "latin1"), rest]);
}

/** The records of a header, or `undefined` if it is damaged. Of records that come twice the last one counts. */
export function decodePax(bytes: Buffer): Map<string, string> | undefined {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(" ", at, "latin1");
    if (space < 0 || space - at > 15) return undefined;
    const digits = bytes.toString("latin1", at, space);
    const end = at + Number(digits);
    const equals = bytes.indexOf("=", space, "latin1");
    const isWhole = /^[1-9]\d*$/u.test(digits) && end <= bytes.length && equals > space && equals < end;
    if (!isWhole || bytes[end - 1] !== 0x0a) return undefined;
    records.set(bytes.toString("utf8", space + 1, equals), bytes.toString("utf8", equals + 1, end - 1));
    at = end;
  }
  return records;
}
