import type { WireCursor } from "./wire-cursor.js";

/**
 * `tf.train.Example` (`tensorflow/core/example/example.proto`, `feature.proto`):
 *
 * ```text
 * Example  { features: Features = 1 }
 * Features { feature: map<string, Feature> = 1 }     an entry: key = 1, value = 2
 * Feature  { bytes_list = 1 | float_list = 2 | int64_list = 3 }
 * a list   { value = 1, repeated; numbers packed }
 * ```
 */
export const EXAMPLE = { features: 1, entry: 1, key: 1, feature: 2, value: 1 } as const;

/** The numbers of the three lists in a `Feature`. */
export const LIST_NUMBER = { bytes: 1, float: 2, int64: 3 } as const;

/** The kinds of lists that a feature can be. */
export type ListKind = keyof typeof LIST_NUMBER;

/** Where the value of a feature lies. */
export interface FeaturePlace {
  readonly kind: ListKind;
  /**
   * True if the bytes there are the value as it is: the only one of a `bytes_list`, or the packed values of a
   * `float_list`. False: they are the list's message.
   */
  readonly isPlain: boolean;
  readonly offset: number;
  readonly byteLength: number;
  /** How many values a `bytes_list` has; of the other lists only decoding tells. */
  readonly values: number;
}

/** Longer names are passed over: no field has one. */
const MAX_KEY_BYTES = 256;

/** A record with more features is refused, so that looking for one takes little time. */
const MAX_FEATURES = 65_536;

/**
 * Walks over the features of a record and tells the place of each; no value is read. Of features that are named twice
 * the last one counts, as protobuf wants it.
 * @throws CorruptShardError if the record is no `tf.train.Example`.
 */
export function walkExample(
  cursor: WireCursor,
  record: { readonly row: number; readonly offset: number; readonly byteLength: number },
  visit: (key: string, place: FeaturePlace) => void,
): void {
  cursor.row = record.row;
  cursor.enter(record.offset, record.offset + record.byteLength);
  let features = 0;
  eachMessage(cursor, EXAMPLE.features, () => {
    eachMessage(cursor, EXAMPLE.entry, () => {
      if (++features > MAX_FEATURES) throw cursor.corrupt(`has more than ${MAX_FEATURES} features`);
      walkEntry(cursor, visit);
    });
  });
}

/** Calls `walk` inside of each message of that number, and passes everything else. */
function eachMessage(cursor: WireCursor, fieldNumber: number, walk: () => void): void {
  const { end } = cursor;
  while (cursor.next()) {
    if (cursor.holds(fieldNumber)) into(cursor, end, walk);
    else cursor.skip();
  }
}

/** Calls `walk` inside of the message whose tag was read last, then goes behind it. */
function into(cursor: WireCursor, end: number, walk: () => void): void {
  const length = cursor.length();
  const stop = cursor.position + length;
  cursor.enter(cursor.position, stop);
  walk();
  cursor.enter(stop, end);
}

function walkEntry(cursor: WireCursor, visit: (key: string, place: FeaturePlace) => void): void {
  const { end } = cursor;
  let key: string | undefined = "";
  let place: FeaturePlace | undefined;
  while (cursor.next()) {
    if (cursor.holds(EXAMPLE.key)) {
      const length = cursor.length();
      if (length <= MAX_KEY_BYTES) key = cursor.text(length);
      else {
        key = undefined;
        cursor.position += length;
      }
    } else if (cursor.holds(EXAMPLE.feature)) {
      into(cursor, end, () => {
        place = placeOf(cursor) ?? place;
      });
    } else cursor.skip();
  }
  if (key !== undefined && place !== undefined) visit(key, place);
}

/** The place of the list in a `Feature`; `undefined` if there is none. */
function placeOf(cursor: WireCursor): FeaturePlace | undefined {
  const { end } = cursor;
  let place: FeaturePlace | undefined;
  while (cursor.next()) {
    const kind = (["bytes", "float", "int64"] as const).find((name) => cursor.holds(LIST_NUMBER[name]));
    if (kind === undefined) {
      cursor.skip();
      continue;
    }
    into(cursor, end, () => {
      place = kind === "bytes" ? bytesPlace(cursor) : numbersPlace(cursor, kind);
    });
  }
  return place;
}

function bytesPlace(cursor: WireCursor): FeaturePlace {
  let place: FeaturePlace = { kind: "bytes", isPlain: false, offset: cursor.position, byteLength: 0, values: 0 };
  while (cursor.next()) {
    if (!cursor.holds(EXAMPLE.value)) {
      cursor.skip();
      continue;
    }
    const byteLength = cursor.length();
    const values = place.values + 1;
    place = { kind: "bytes", isPlain: values === 1, offset: cursor.position, byteLength, values };
    cursor.position += byteLength;
  }
  return place;
}

function numbersPlace(cursor: WireCursor, kind: "float" | "int64"): FeaturePlace {
  const { position, end } = cursor;
  const whole: FeaturePlace = { kind, isPlain: false, offset: position, byteLength: end - position, values: 0 };
  if (kind === "int64" || !cursor.next() || !cursor.holds(EXAMPLE.value)) return whole;
  const byteLength = cursor.length();
  return cursor.position + byteLength === end && byteLength % 4 === 0
    ? { kind, isPlain: true, offset: cursor.position, byteLength, values: 0 }
    : whole;
}
