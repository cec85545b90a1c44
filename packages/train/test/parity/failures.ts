import { cases } from "./cases.js";

/** What the error of a case on a backend says. */
export type Failures = Readonly<Partial<Record<"wasm" | "tensorflow", string>>>;

const dilated = "dilation rates greater than 1 are not yet supported in gradients";

/** The cases that do not work, and why; everything else does. */
export const FAILURES: ReadonlyMap<string, Failures> = new Map<string, Failures>(
  [...cases.keys()].flatMap((title): [string, Failures][] => {
    if (title.includes("dilation")) return [[title, { wasm: dilated, tensorflow: dilated }]];
    if (title.includes(", padding ")) return [[title, { tensorflow: "supports only 'valid' and 'same' padding" }]];
    return [];
  }),
);
