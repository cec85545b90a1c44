export { arrow } from "./arrow.js";
