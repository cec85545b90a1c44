/** Why channels cannot be removed. */
export interface Bond {
  /**
   * `output` and `input`: they are of the model's own inputs or outputs, or are added to such. `layer`: a layer that
   * pruning does not know, or that mixes channels, takes them.
   */
  readonly kind: "output" | "input" | "layer";
  /** The layer that binds them. */
  readonly layer: string;
  /** Its class, or the name of its activation where that is what mixes them. */
  readonly className: string;
}

/** Channels, numbered from 0, and which of them can only be removed together: a union-find structure. */
export class ChannelSets {
  readonly #parent: number[] = [];
  /** Of the roots. */
  readonly #bonds = new Map<number, Bond>();

  /** New channels, each in a set of its own. */
  add(count: number): Int32Array {
    const first = this.#parent.length;
    for (let id = first; id < first + count; id++) this.#parent.push(id);
    return Int32Array.from({ length: count }, (_, index) => first + index);
  }

  /** The number that stands for the set of a channel. */
  find(id: number): number {
    let root = id;
    while (this.#parent[root] !== root) root = this.#parent[root] as number;
    for (let at = id; at !== root;) {
      const next = this.#parent[at] as number;
      this.#parent[at] = root;
      at = next;
    }
    return root;
  }

  /** Says that two lists of channels, equally long, go together one by one. */
  join(a: Int32Array, b: Int32Array): void {
    for (const [index, id] of a.entries()) {
      const [low, high] = [this.find(id), this.find(b[index] as number)].toSorted((x, y) => x - y) as [number, number];
      if (low === high) continue;
      this.#parent[high] = low;
      const bond = this.#bonds.get(high);
      if (bond !== undefined) this.#bind(low, bond);
      this.#bonds.delete(high);
    }
  }

  /** Says that channels cannot be removed. */
  bind(channels: Int32Array, bond: Bond): void {
    for (const id of channels) this.#bind(this.find(id), bond);
  }

  /** Why the set of a channel cannot be removed; `undefined` if it can. */
  bondOf(id: number): Bond | undefined {
    return this.#bonds.get(this.find(id));
  }

  #bind(root: number, bond: Bond): void {
    // What can never be removed is no reason to complain about a layer.
    if (this.#bonds.get(root) === undefined || bond.kind !== "layer") this.#bonds.set(root, bond);
  }
}
