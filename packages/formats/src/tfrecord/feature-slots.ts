import type { Schema } from "../schema.js";
import { shapeKey } from "./encode-example.js";
import type { FeaturePlace } from "./example.js";

/** Where the features of a field lie in a record. */
export interface FieldPlaces {
  value: FeaturePlace | undefined;
  /** Of a ragged field. */
  shape: FeaturePlace | undefined;
}

/**
 * The name of the field for a feature of others: a field's name has no slash, so `image/encoded` becomes
 * `image.encoded`.
 */
export function fieldNameOf(key: string): string {
  return key.replaceAll("/", ".");
}

/** Sorts the features of a record into the fields of a schema. */
export class FeatureSlots {
  /** One for each field of the schema, in its order. */
  readonly places: readonly FieldPlaces[];
  readonly #slots = new Map<string, { places: FieldPlaces; part: keyof FieldPlaces }>();

  constructor(schema: Schema) {
    this.places = schema.fields.map((field) => {
      const places: FieldPlaces = { value: undefined, shape: undefined };
      this.#slots.set(field.name, { places, part: "value" });
      if (field.kind === "ragged") this.#slots.set(shapeKey(field.name), { places, part: "shape" });
      return places;
    });
  }

  /** Forgets the record before. */
  clear(): void {
    for (const places of this.places) places.value = places.shape = undefined;
  }

  /** Takes a feature if it belongs to a field. */
  take(key: string, place: FeaturePlace): void {
    const slot = this.#slots.get(key) ?? (key.includes("/") ? this.#slots.get(fieldNameOf(key)) : undefined);
    if (slot !== undefined) slot.places[slot.part] = place;
  }
}
