export * from "./install-tensorflow.js";
export type { TensorflowInstallReport } from "./run-install.js";
export type { AddonOrigin } from "./settle-addon.js";
export { type BackendListing, listBackends } from "../list-backends.js";
export type { UsableTensorflow } from "../tensorflow-probe.js";
