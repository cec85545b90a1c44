import type { Cases } from "./bench.js";
import { convolutions } from "./cases/convolutions.js";
import { elementwise } from "./cases/elementwise.js";
import { normalization } from "./cases/normalization.js";
import { pooling } from "./cases/pooling.js";
import { products } from "./cases/products.js";

/** What a training step is made of, in all sizes that differ in a kernel. */
export const cases: Cases = new Map([...convolutions, ...pooling, ...normalization, ...products, ...elementwise]);
