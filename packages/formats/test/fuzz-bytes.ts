import { array, constantFrom, integer, nat, oneof, tuple, uint8Array, type Arbitrary } from "fast-check";

/** One change to a run of bytes. */
type Change =
  | { readonly kind: "set"; readonly bytes: Uint8Array }
  | { readonly kind: "insert"; readonly bytes: Uint8Array }
  | { readonly kind: "remove"; readonly length: number }
  | { readonly kind: "copy"; readonly from: number; readonly length: number };

function little(value: bigint, bytes: 2 | 4 | 8): Uint8Array {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt.asUintN(64, value));
  return buffer.subarray(0, bytes);
}

/** Numbers that break arithmetic, and those that lead to another place of a file of `size` bytes. */
function words(size: number): Arbitrary<Uint8Array> {
  const edge = constantFrom(
    0n,
    1n,
    -1n,
    2n ** 15n,
    2n ** 31n - 1n,
    2n ** 31n,
    2n ** 32n,
    2n ** 53n,
    2n ** 62n,
    -(2n ** 63n),
  );
  const value = oneof(edge, integer({ min: -64, max: size + 64 }).map(BigInt));
  return tuple(value, constantFrom(2, 4, 8)).map(([number, bytes]) => little(number, bytes));
}

function changes(size: number): Arbitrary<Change> {
  return oneof(
    { weight: 3, arbitrary: nat(255).map((byte): Change => ({ kind: "set", bytes: Uint8Array.of(byte) })) },
    { weight: 4, arbitrary: words(size).map((bytes): Change => ({ kind: "set", bytes })) },
    tuple(nat(size), integer({ min: 1, max: 64 })).map(([from, length]): Change => ({ kind: "copy", from, length })),
    uint8Array({ minLength: 1, maxLength: 16 }).map((bytes): Change => ({ kind: "insert", bytes })),
    integer({ min: 1, max: 32 }).map((length): Change => ({ kind: "remove", length })),
  );
}

function apply(bytes: Buffer, at: number, change: Change): Buffer {
  switch (change.kind) {
    case "insert":
      return Buffer.concat([bytes.subarray(0, at), change.bytes, bytes.subarray(at)]);
    case "remove":
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + change.length)]);
    default: {
      const run = change.kind === "set" ? change.bytes : bytes.slice(change.from, change.from + change.length);
      bytes.set(run.subarray(0, Math.max(0, bytes.length - at)), at);
      return bytes;
    }
  }
}

/**
 * Files that differ from `sound` in up to six places, most of which are chosen among those of `isChosen`. Shrinks to
 * fewer and smaller changes.
 */
export function mutationsOf(sound: Uint8Array, isChosen: (at: number) => boolean = () => true): Arbitrary<Buffer> {
  const chosen = [...sound.keys()].filter((at) => isChosen(at));
  const place = oneof(
    { weight: 5, arbitrary: nat(Math.max(0, chosen.length - 1)).map((n) => chosen[n] ?? 0) },
    { weight: 1, arbitrary: nat(sound.length) },
  );
  return array(tuple(place, changes(sound.length)), { minLength: 1, maxLength: 6 }).map((list) => {
    let bytes: Buffer = Buffer.from(sound);
    for (const [at, change] of list) bytes = apply(bytes, Math.min(at, bytes.length), change);
    return bytes;
  });
}
