// Decodes images in a thread of its own, all at once, and posts the hash of each.
import { createHash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { decodeImage } from "@millrace/image";

const { images, size } = workerData;
const hashes = images.map(async (bytes) => {
  const { data } = await decodeImage(bytes, { size });
  return createHash("sha256").update(data).digest("hex");
});
parentPort.postMessage(await Promise.all(hashes), []);
