import type { WheelMember } from "./release.js";

/** Headers of a TensorFlow wheel: all that the source of the addon includes, directly or not. */
export function headers(list: readonly (readonly [name: string, bytes: number])[]): WheelMember[] {
  return list.map(([name, bytes]) => ({ from: `tensorflow/include/${name}`, to: `include/${name}`, bytes }));
}
