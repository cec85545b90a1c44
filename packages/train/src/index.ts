export * from "./backends/backend.js";
export * from "./backends/select-backend.js";
export * from "./models/create-model.js";
export * from "./upload/host-tensor.js";
