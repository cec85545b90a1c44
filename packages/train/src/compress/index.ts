export * from "./input-link.js";
export { wilsonInterval, type MeasuredShare } from "./wilson-interval.js";
