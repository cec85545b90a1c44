/** The address of what does not exist. */
export const UNDEFINED_ADDRESS = -1;

/** An unsigned number of so many bytes; -1 sets all bits. */
export type PackedNumber = readonly [bytes: number, value: number];

/** Little-endian fields one after the other; texts are UTF-8, bytes are taken as they are. */
export function pack(...fields: readonly (PackedNumber | Uint8Array | string)[]): Buffer {
  return Buffer.concat(fields.map((field) => (isNumber(field) ? packNumber(field) : Buffer.from(field))));
}

function isNumber(field: PackedNumber | Uint8Array | string): field is PackedNumber {
  return typeof field === "object" && !(field instanceof Uint8Array);
}

function packNumber([bytes, value]: PackedNumber): Buffer {
  const packed = Buffer.alloc(8);
  packed.writeBigInt64LE(BigInt(value));
  return packed.subarray(0, bytes);
}
