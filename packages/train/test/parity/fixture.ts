import { readFileSync } from "node:fs";

/** Folder of what `reference.long.test.ts` writes. */
const FOLDER = new URL("fixtures/", import.meta.url);

/** Tensors of every case, on `cpu`. */
export type Gradients = ReadonlyMap<string, readonly Float32Array[]>;

/** What training a net on `cpu` gives. */
export interface Trajectory {
  /** Loss of each step, 200 of them. */
  readonly losses: readonly number[];
  /** Loss of the evaluation behind so many steps, with batch norm at its averages. */
  readonly evaluated: Readonly<Record<20 | 200, number>>;
}

/** Path of a fixture. */
export function fixturePath(name: "gradients" | "trajectories"): string {
  return new URL(`${name}.json`, FOLDER).pathname;
}

/** A line a case: the little-endian float32 of each tensor, base64. */
export function gradientsText(gradients: Gradients): string {
  const lines = [...gradients].map(
    ([title, tensors]) =>
      `${JSON.stringify(title)}: ${JSON.stringify(tensors.map(({ buffer }) => Buffer.from(buffer).toString("base64")))}`,
  );
  return `{\n${lines.join(",\n")}\n}\n`;
}

/** The committed gradients. */
export function readGradients(): Gradients {
  const parsed = JSON.parse(readFileSync(fixturePath("gradients"), "utf8")) as Record<string, string[]>;
  return new Map(
    Object.entries(parsed).map(([title, tensors]) => [
      title,
      tensors.map((text) => new Float32Array(Uint8Array.from(Buffer.from(text, "base64")).buffer)),
    ]),
  );
}

/** A line a net. */
export function trajectoriesText(trajectories: ReadonlyMap<string, Trajectory>): string {
  const lines = [...trajectories].map(([net, trajectory]) => `${JSON.stringify(net)}: ${JSON.stringify(trajectory)}`);
  return `{\n${lines.join(",\n")}\n}\n`;
}

/** The committed trajectories. */
export function readTrajectories(): ReadonlyMap<string, Trajectory> {
  return new Map(
    Object.entries(JSON.parse(readFileSync(fixturePath("trajectories"), "utf8")) as Record<string, Trajectory>),
  );
}
