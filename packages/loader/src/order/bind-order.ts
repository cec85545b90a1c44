import type { BoundOrder, Order } from "./order.js";
import { bindSequential } from "./sequential.js";
import { bindShuffle } from "./shuffle.js";

/** The kinds of order, each with the function that binds it to a number of samples. */
export const ORDER_KINDS = ["sequential", "shuffle"] as const;

/** Binds an order to a number of samples. */
export function bindOrder(order: Order, length: number): BoundOrder {
  switch (order.kind) {
    case "sequential":
      return bindSequential(length);
    case "shuffle":
      return bindShuffle(order, length);
  }
}
