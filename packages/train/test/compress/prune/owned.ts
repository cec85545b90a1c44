import type { LayersModel } from "@tensorflow/tfjs-layers";
import { onTestFinished } from "vitest";

/** Disposes a model when the test ends. */
export function owned<T extends LayersModel>(model: T): T {
  onTestFinished(() => {
    model.dispose();
  });
  return model;
}
