/** Where a structure of an HDF5 file begins and where its checksum stands. */
interface Sealed {
  readonly from: number;
  readonly checksum: number;
}

/** Signatures of the structures of HDF5 that end in a checksum. */
const SIGNATURES = [
  "\u0089HDF",
  "OHDR",
  "OCHK",
  "FRHP",
  "FHDB",
  "FHIB",
  "BTHD",
  "BTIN",
  "BTLF",
  "FAHD",
  "FADB",
  "EAHD",
];
SIGNATURES.push("EAIB", "EASB", "EADB");

/** The longest structure that is looked for. */
const MOST_BYTES = 1500;

function rotated(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** The checksum of HDF5: lookup3 of Bob Jenkins (https://burtleburtle.net/bob/c/lookup3.c, `hashlittle`), written down a second time. */
export function lookup3(bytes: Uint8Array): number {
  let a = (0xdeadbeef + bytes.length) | 0;
  let [b, c] = [a, a];
  const word = (at: number): number =>
    (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
  let at = 0;
  for (; bytes.length - at > 12; at += 12) {
    a = (a + word(at)) | 0;
    b = (b + word(at + 4)) | 0;
    c = (c + word(at + 8)) | 0;
    a = (a - c) ^ rotated(c, 4);
    c = (c + b) | 0;
    b = (b - a) ^ rotated(a, 6);
    a = (a + c) | 0;
    c = (c - b) ^ rotated(b, 8);
    b = (b + a) | 0;
    a = (a - c) ^ rotated(c, 16);
    c = (c + b) | 0;
    b = (b - a) ^ rotated(a, 19);
    a = (a + c) | 0;
    c = (c - b) ^ rotated(b, 4);
    b = (b + a) | 0;
  }
  if (at === bytes.length) return c >>> 0;
  a = (a + word(at)) | 0;
  b = (b + word(at + 4)) | 0;
  c = (c + word(at + 8)) | 0;
  c = (c ^ b) - rotated(b, 14);
  a = (a ^ c) - rotated(c, 11);
  b = (b ^ a) - rotated(a, 25);
  c = (c ^ b) - rotated(b, 16);
  a = (a ^ c) - rotated(c, 4);
  b = (b ^ a) - rotated(a, 14);
  c = (c ^ b) - rotated(b, 24);
  return c >>> 0;
}

/** The checksums of a sound file: wherever the bytes from a signature on are followed by their own. */
export function sealedOf(bytes: Buffer): Sealed[] {
  const sealed: Sealed[] = [];
  for (const signature of SIGNATURES) {
    for (
      let from = bytes.indexOf(signature, 0, "latin1");
      from >= 0;
      from = bytes.indexOf(signature, from + 4, "latin1")
    ) {
      const last = Math.min(bytes.length - 4, from + MOST_BYTES);
      for (let checksum = from + 8; checksum <= last; checksum++) {
        if (lookup3(bytes.subarray(from, checksum)) !== bytes.readUInt32LE(checksum)) continue;
        sealed.push({ from, checksum });
        break;
      }
    }
  }
  return sealed;
}

/** Makes the checksums of changed structures right, so that what they protect is parsed too. */
export function reseal(bytes: Buffer, sealed: readonly Sealed[]): Buffer {
  for (const { from, checksum } of sealed)
    if (checksum + 4 <= bytes.length) bytes.writeUInt32LE(lookup3(bytes.subarray(from, checksum)), checksum);
  return bytes;
}
