export { tfrecord } from "./tfrecord.js";
