export { packModel, type PackOptions } from "./pack-model.js";
export { loadPackedModel, readPackedModel, writePackedModel } from "./packed-file.js";
export type { StreamName } from "./packed-header.js";
export { PACKED_VERSION } from "./packed-layout.js";
export { packedStreams, type PackedStream } from "./packed-streams.js";
export type { UnpackLimits } from "./read-packed.js";
export { unpackModel } from "./unpack-model.js";
