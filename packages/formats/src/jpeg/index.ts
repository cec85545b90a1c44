export * from "./crop.js";
export { JPEG_REFUSALS, type JpegRefusal } from "./refusal.js";
export { decodeJpegSegments, JpegSegments } from "./segments.js";
export * from "./segment-column.js";
export * from "./transcode.js";
