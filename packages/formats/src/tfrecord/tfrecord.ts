import type { ShardFormat } from "../format.js";
import { openTfrecordReader } from "./reader.js";

/** TFRecord files of `tf.train.Example`, as `tf.data.TFRecordDataset` and `tf.io.parse_single_example` read them. */
export const tfrecord: ShardFormat = {
  name: "tfrecord",
  extensions: ["tfrecord", "tfrecords"],
  openReader: openTfrecordReader,
  createWriter: async (path, options) => (await import("./writer.js")).createTfrecordWriter(path, options),
};
