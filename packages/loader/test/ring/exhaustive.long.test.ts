import { testInstances } from "./exhaustive-instances.js";

testInstances([
  { numWorkers: 2, sizes: [2, 1, 2], states: 87_245 },
  { numWorkers: 2, sizes: [1, 1, 1], faults: { losses: 1 }, states: 108_771 },
  { numWorkers: 2, sizes: [1, 1, 1], faults: { aborts: 1 }, states: 119_546 },
  { numWorkers: 2, sizes: [1, 1, 1], faults: { deaths: 1 }, states: 408_727 },
  { numWorkers: 1, sizes: [2, 1, 2], faults: { deaths: 1, losses: 1, aborts: 1 }, states: 69_510 },
]);
