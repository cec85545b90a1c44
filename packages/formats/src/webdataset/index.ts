export { webdataset } from "./webdataset.js";
