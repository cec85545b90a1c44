// The gradient kernels that the WebAssembly backend of TensorFlow.js lacks. They work in that backend's own memory,
// which they import; they own no memory, keep no state and allocate nothing. Addresses are byte offsets, sizes are
// counts of elements, every tensor is float32 and row-major.
export { convFilterGradient } from "./conv-filter";
export { convInputGradient } from "./conv-input";
export { maxPoolGradient } from "./max-pool";
export { depthwiseFilterGradient, depthwiseInputGradient } from "./depthwise";
export { columnSums } from "./column-sums";
