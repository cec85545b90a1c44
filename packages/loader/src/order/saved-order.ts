import { createHash } from "node:crypto";
import type { Order, WeightedOrder } from "./order.js";

/** `order` as a state keeps it: small, so weights of samples are replaced by their SHA-256 (as float64, little-endian). */
export function saveOrder(order: Order): Order {
  if (order.kind === "weighted") return saveWeights(order);
  if (order.kind !== "filter" || order.order.kind !== "weighted") return order;
  return { ...order, order: saveWeights(order.order) };
}

function saveWeights(order: WeightedOrder): WeightedOrder {
  if (!Array.isArray(order.weights)) return order;
  const bytes = new DataView(new ArrayBuffer(order.weights.length * 8));
  for (const [i, weight] of (order.weights as readonly number[]).entries()) bytes.setFloat64(i * 8, weight, true);
  return { ...order, weights: createHash("sha256").update(bytes).digest("hex") };
}

/** True if a saved order lacks its weights, so that it can only be compared. */
export function lacksWeights(order: Order): boolean {
  const inner = order.kind === "filter" ? order.order : order;
  return inner.kind === "weighted" && typeof inner.weights === "string";
}
