import { testInstances } from "./exhaustive-instances.js";

testInstances([
  { numWorkers: 2, sizes: [1, 1, 1], states: 58_252 },
  { numWorkers: 1, sizes: [2, 1, 2], faults: { deaths: 1 }, states: 20_193 },
  { numWorkers: 1, sizes: [2, 1, 2], faults: { losses: 1, aborts: 1 }, states: 9881 },
]);
